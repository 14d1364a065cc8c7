"""`mimidiar eval cluster`: window-level speakers assigned to recording-level speakers."""

from pathlib import Path

import click

from mimidiar.cli.options import margin_option, vad_option

PATH = click.Path(path_type=Path)
SETTINGS = {"help_option_names": ["-h", "--help"]}
NUMBER = click.IntRange(min=1)
EMBEDDINGS = "Features of a speaker encoder, or with --probe those of a codec."
probe_option = click.option("--probe", type=PATH, help="Speaker probe (model.safetensors) for these features.")


@click.group(context_settings=SETTINGS)
def command():
    """Cluster the local speakers of all windows into recording-level speakers (EEND-VC).

    LOCAL is a folder of `mimidiar eval infer --local`. The number of speakers is estimated; it may exceed the number
    of the model's outputs.
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
    """Tune the distance threshold of the clustering on DATA, and write it to OUT/tuned.yaml."""
    from mimidiar.evaluation.stored import Gate, StoredWindows
    from mimidiar.evaluation.tune_clustering import tune_clustering

    source = StoredWindows(local, embeddings, probe, vad)
    click.echo(tune_clustering(source, data, out, Gate(vad, speech_margin_sec)))


@command.command(context_settings=SETTINGS)
@click.argument("local", type=PATH)
@click.argument("out", type=PATH)
@click.option("--embeddings", "--voices", type=PATH, help=EMBEDDINGS)
@probe_option
@vad_option
@margin_option
@click.option("--tuned", type=PATH, help="tuned.yaml of `mimidiar eval cluster tune` for these embeddings.")
@click.option("--num-speakers", type=NUMBER, help="Number of speakers in each recording; fewer if fewer are detected.")
@click.option("--min-speakers", type=NUMBER, help="Lowest number of speakers; fewer if fewer are detected.")
@click.option("--max-speakers", type=NUMBER, help="Highest number of speakers.")
@click.option(
    "--oracle-count", type=PATH, metavar="DATA", help="Take the number of speakers from the reference of this set."
)
@click.option(
    "--oracle",
    type=PATH,
    metavar="DATA",
    help="Assign speakers by the reference of this set (upper bound of clustering).",
)
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
    """Write the posteriors of all recordings of LOCAL to OUT/posteriors.scp, with one column for each speaker.

    Give one of --embeddings, --overlap and --oracle. The number of speakers is estimated unless it is given.
    """
    from mimidiar.diarize.clustering import Clustering, make_count
    from mimidiar.evaluation import stored
    from mimidiar.evaluation.tuned import read_tuned
    from mimidiar.features.timing import add_cost

    if (embeddings is not None) + (oracle is not None) + overlap != 1:
        raise click.UsageError("give one of --embeddings, --overlap and --oracle")
    numbers = (num_speakers, min_speakers, max_speakers)
    if embeddings is None and any(value is not None for value in (probe, tuned, oracle_count, *numbers)):
        raise click.UsageError("--probe, --tuned and numbers of speakers are for --embeddings")
    if oracle_count and any(numbers):
        raise click.UsageError("give either --oracle-count or a number of speakers")
    if embeddings is None:
        tracking = stored.by_overlap() if overlap else stored.by_reference(oracle)
    else:
        count = make_count(*numbers)
        counts = stored.reference_count(oracle_count) if oracle_count else lambda _: count
        values = read_tuned(tuned, Clustering, "mimidiar eval cluster tune").values if tuned else Clustering()
        tracking = stored.by_clustering(values, counts)
    source = stored.StoredWindows(local, embeddings, probe, vad)
    add_cost(out, stored.track_all(source, out, tracking, stored.Gate(vad, speech_margin_sec)))
