"""`mimidiar link`: the windows of whole recordings, put together by voice."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
SETTINGS = {"help_option_names": ["-h", "--help"]}
NUMBER = click.IntRange(min=1)
VOICES = "Features that tell voices apart: a speaker encoder's, or with --probe a codec's."
probe_option = click.option("--probe", type=PATH, help="A speaker probe of these features (model.safetensors).")


@click.group(context_settings=SETTINGS)
def command():
    """Put the windows of whole recordings together: whose is each window's channel, and how many speakers are there?

    LOCAL is a folder that `mimidiar infer --local` made. Recordings may have more speakers than the model has channels.
    """


@command.command(context_settings=SETTINGS)
@click.argument("local", type=PATH)
@click.argument("data", type=PATH)
@click.argument("out", type=PATH)
@click.option("--voices", type=PATH, required=True, help=VOICES)
@probe_option
def tune(local, data, out, voices, probe):
    """Choose on DATA at which distance two clusters of voices are two speakers: OUT/tuned.yaml."""
    from mimidiar.diarize.cluster_files import Voices
    from mimidiar.training.tune_clustering import tune_linking

    click.echo(tune_linking(local, data, out, Voices(voices, probe)))


@command.command(context_settings=SETTINGS)
@click.argument("local", type=PATH)
@click.argument("out", type=PATH)
@click.option("--voices", type=PATH, help=VOICES)
@probe_option
@click.option("--tuned", type=PATH, help="tuned.yaml of `mimidiar link tune`, for these voices.")
@click.option("--num-speakers", type=NUMBER, help="Speakers in each recording, so far as its windows have them.")
@click.option("--min-speakers", type=NUMBER, help="Speakers in each recording, at least; likewise.")
@click.option("--max-speakers", type=NUMBER, help="Speakers in each recording, at most.")
@click.option("--oracle-count", type=PATH, metavar="DATA", help="As many speakers as the reference of this set has.")
@click.option("--oracle", type=PATH, metavar="DATA", help="Link by this set's reference, to see what linking costs.")
@click.option("--overlap", is_flag=True, help="Link without voices, by what windows say of the time both have.")
def run(local, out, voices, probe, tuned, num_speakers, min_speakers, max_speakers, oracle_count, oracle, overlap):
    """Link all recordings of LOCAL: OUT/posteriors.scp, with as many columns as a recording has speakers.

    By one of --voices, --overlap and --oracle. The number of speakers is found unless it is given.
    """
    from mimidiar.diarize import cluster_files as files
    from mimidiar.diarize.clustering import Linking, make_count
    from mimidiar.features.timing import add_cost
    from mimidiar.training.tune_clustering import read_linking

    if (voices is not None) + (oracle is not None) + overlap != 1:
        raise click.UsageError("link by one of --voices, --overlap and --oracle")
    numbers = (num_speakers, min_speakers, max_speakers)
    if voices is None and any(value is not None for value in (probe, tuned, oracle_count, *numbers)):
        raise click.UsageError("--probe, --tuned and numbers of speakers are for --voices")
    if oracle_count and any(numbers):
        raise click.UsageError("--oracle-count, and a number of speakers: give the one or the other")
    if voices is None:
        linker = files.by_overlap() if overlap else files.by_reference(oracle)
    else:
        count = make_count(*numbers)
        counts = files.reference_count(oracle_count) if oracle_count else lambda _: count
        linking = read_linking(tuned).linking if tuned else Linking()
        linker = files.by_voice(files.Voices(voices, probe), linking, counts)
    add_cost(out, files.link_all(local, out, linker))
