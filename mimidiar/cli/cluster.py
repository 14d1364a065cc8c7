"""`mimidiar eval cluster`: window-level speakers assigned to recording-level speakers."""

from pathlib import Path

import click

from mimidiar.cli.options import margin_option, vad_option

PATH = click.Path(path_type=Path)
SETTINGS = {"help_option_names": ["-h", "--help"]}
NUMBER = click.IntRange(min=1)
EMBEDDINGS = "Features that tell speakers apart: a speaker encoder's, or with --probe a codec's."
probe_option = click.option("--probe", type=PATH, help="A speaker probe of these features (model.safetensors).")


@click.group(context_settings=SETTINGS)
def command():
    """Assign the local speakers of all windows to recording-level speakers, whose number is found (EEND-VC).

    LOCAL is a folder that `mimidiar eval infer --local` made. Recordings may have more speakers than the model has
    outputs.
    """


@command.command(context_settings=SETTINGS)
@click.argument("local", type=PATH)
@click.argument("data", type=PATH)
@click.argument("out", type=PATH)
@click.option("--embeddings", "--voices", type=PATH, required=True, help=EMBEDDINGS)
@probe_option
@vad_option
@margin_option
def tune(local, data, out, embeddings, probe, vad, speech_margin_sec):
    """Choose on DATA at which distance two clusters are two speakers: OUT/tuned.yaml."""
    from mimidiar.diarize.stored import Gate, StoredWindows
    from mimidiar.training.tune_clustering import tune_clustering

    source = StoredWindows(local, embeddings, probe, vad)
    click.echo(tune_clustering(source, data, out, Gate(vad, speech_margin_sec)))


@command.command(context_settings=SETTINGS)
@click.argument("local", type=PATH)
@click.argument("out", type=PATH)
@click.option("--embeddings", "--voices", type=PATH, help=EMBEDDINGS)
@probe_option
@vad_option
@margin_option
@click.option("--tuned", type=PATH, help="tuned.yaml of `mimidiar eval cluster tune`, for these embeddings.")
@click.option("--num-speakers", type=NUMBER, help="Number of speakers in each recording, if its windows have them.")
@click.option("--min-speakers", type=NUMBER, help="Speakers in each recording, at least; likewise.")
@click.option("--max-speakers", type=NUMBER, help="Speakers in each recording, at most.")
@click.option("--oracle-count", type=PATH, metavar="DATA", help="As many speakers as the reference of this set has.")
@click.option("--oracle", type=PATH, metavar="DATA", help="Assign by this set's reference: what clustering costs.")
@click.option("--overlap", is_flag=True, help="Stitch windows by their overlap, without embeddings.")
def run(
    local,
    out,
    embeddings,
    probe,
    vad,
    speech_margin_sec,
    tuned,
    num_speakers,
    min_speakers,
    max_speakers,
    oracle_count,
    oracle,
    overlap,
):
    """Posteriors of all recordings of LOCAL: OUT/posteriors.scp, with as many columns as a recording has speakers.

    By one of --embeddings, --overlap and --oracle. The number of speakers is found unless it is given.
    """
    from mimidiar.diarize import stored
    from mimidiar.diarize.clustering import Clustering, make_count
    from mimidiar.diarize.tuned import read_tuned
    from mimidiar.features.timing import add_cost

    if (embeddings is not None) + (oracle is not None) + overlap != 1:
        raise click.UsageError("give one of --embeddings, --overlap and --oracle")
    numbers = (num_speakers, min_speakers, max_speakers)
    if embeddings is None and any(value is not None for value in (probe, tuned, oracle_count, *numbers)):
        raise click.UsageError("--probe, --tuned and numbers of speakers are for --embeddings")
    if oracle_count and any(numbers):
        raise click.UsageError("--oracle-count, and a number of speakers: give the one or the other")
    if embeddings is None:
        tracking = stored.by_overlap() if overlap else stored.by_reference(oracle)
    else:
        count = make_count(*numbers)
        counts = stored.reference_count(oracle_count) if oracle_count else lambda _: count
        values = read_tuned(tuned, Clustering, "mimidiar eval cluster tune").values if tuned else Clustering()
        tracking = stored.by_clustering(values, counts)
    source = stored.StoredWindows(local, embeddings, probe, vad)
    add_cost(out, stored.track_all(source, out, tracking, stored.Gate(vad, speech_margin_sec)))
