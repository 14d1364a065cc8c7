"""`mimidiar eval`: inference, clustering, post-processing and trivial baselines, stage 5."""

import click

from mimidiar.cli.options import PATH, gate_options, path_arguments, speaker_number_options
from mimidiar.job_option import Named, job_option
from mimidiar.score.trivial_baselines import TRIVIAL_BASELINES

EMBEDDINGS = "Features of a speaker encoder, or with --probe those of a codec."
probe_option = click.option("--probe", type=PATH, help="Speaker probe (model.safetensors) for these features.")


@click.command()
@path_arguments("model", "feats", "out")
@click.option("--window-sec", type=float, help="Window length in seconds.  [default: the crop length in training]")
@click.option("--hop-sec", type=float, help="Hop between windows in seconds.  [default: half a window]")
@click.option("--local", is_flag=True, help="Write unstitched windows to OUT/local.scp, for `mimidiar eval cluster`.")
@gate_options
@job_option
def infer(model, feats, out, window_sec, hop_sec, local, vad, speech_margin_sec, job):
    """Run MODEL (model.safetensors) on the recordings of FEATS, and write speaker posteriors to OUT/posteriors.scp.

    The windows of a recording are stitched by their overlap. The computing time is written to OUT/timing.jsonl.
    """
    from mimidiar.evaluation import stored
    from mimidiar.features.timing import add_cost

    if local and vad:
        raise click.UsageError("--local writes unstitched windows; give --vad to `mimidiar eval cluster`")
    gate = stored.Gate(vad, speech_margin_sec)
    add_cost(out, stored.infer(model, feats, out, window_sec, hop_sec, job, local, gate))


@click.group()
def cluster():
    """Cluster the local speakers of all windows into recording-level speakers (EEND-VC).

    LOCAL is a folder of `mimidiar eval infer --local`. The number of speakers is estimated; it may exceed the number
    of the model's outputs.
    """


@cluster.command("tune")
@path_arguments("local", "data", "out")
@click.option("--embeddings", "--voices", type=PATH, required=True, help=EMBEDDINGS)
@probe_option
@gate_options
def tune_clusters(local, data, out, embeddings, probe, vad, speech_margin_sec):
    """Tune the distance threshold of the clustering on DATA, and write it to OUT/tuned.yaml."""
    from mimidiar.evaluation.stored import Gate, StoredWindows
    from mimidiar.evaluation.tune import tune_clustering

    source = StoredWindows(local, embeddings, probe, vad)
    click.echo(tune_clustering(source, data, out, Gate(vad, speech_margin_sec)))


@cluster.command("run")
@path_arguments("local", "out")
@click.option("--embeddings", "--voices", type=PATH, help=EMBEDDINGS)
@probe_option
@gate_options
@click.option("--tuned", type=PATH, help="tuned.yaml of `mimidiar eval cluster tune` for these embeddings.")
@speaker_number_options
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
def run_clustering(
    local, out, embeddings, probe, vad, speech_margin_sec, tuned, oracle_count, oracle, overlap, **numbers
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
    if embeddings is None and any(value is not None for value in (probe, tuned, oracle_count, *numbers.values())):
        raise click.UsageError("--probe, --tuned and numbers of speakers are for --embeddings")
    if oracle_count and any(numbers.values()):
        raise click.UsageError("give either --oracle-count or a number of speakers")
    if embeddings is None:
        tracking = stored.by_overlap() if overlap else stored.by_reference(oracle)
    else:
        count = make_count(**numbers)
        counts = stored.reference_count(oracle_count) if oracle_count else lambda _: count
        values = read_tuned(tuned, Clustering, "mimidiar eval cluster tune").values if tuned else Clustering()
        tracking = stored.by_clustering(values, counts)
    source = stored.StoredWindows(local, embeddings, probe, vad)
    add_cost(out, stored.track_all(source, out, tracking, stored.Gate(vad, speech_margin_sec)))


@click.command()
@path_arguments("posteriors", "data", "out")
def tune(posteriors, data, out):
    """Tune threshold, median filter and minimum durations for the lowest frame DER of POSTERIORS on DATA.

    OUT/tuned.yaml contains the values and the name of the set; `mimidiar eval binarize` refuses recordings of that set.
    """
    from mimidiar.evaluation.tune import tune_on

    click.echo(tune_on(posteriors, data, out / "tuned.yaml"))


@click.command()
@path_arguments("posteriors", "out")
@click.option("--tuned", type=PATH, required=True, help="tuned.yaml of `mimidiar eval tune`.")
def binarize(posteriors, out, tuned):
    """Binarize POSTERIORS with the post-processing of --tuned, and write the turns to OUT/hyp.rttm.

    Recordings on which the post-processing was tuned are refused.
    """
    from mimidiar.evaluation.stored import write_hypothesis

    write_hypothesis(posteriors, tuned, out / "hyp.rttm")


@click.command()
@click.argument("kind", metavar="KIND", type=Named(list(TRIVIAL_BASELINES)))
@click.argument("reference", metavar="REF", type=PATH)
@click.option("-o", "--out", required=True, metavar="RTTM", type=PATH, help="The RTTM to write.")
@click.option("--uem", type=PATH, help="UEM of the scored regions; always-one needs it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of random-order.")
def baseline(kind, reference, out, uem, seed):
    """Write the turns of a trivial baseline, from REF (RTTM file or folder) and UEM. No audio is read.

    \b
    KIND: always-one      one speaker throughout the scored regions
          oracle-vad-one  one speaker whenever anybody speaks in REF
          random-order    the turns of REF, each given to a random speaker
    """
    from mimidiar.annotation.rttm import read_rttm, write_rttm
    from mimidiar.annotation.uem import read_uem
    from mimidiar.score.trivial_baselines import make_baseline

    turns = make_baseline(kind, read_rttm(reference), None if uem is None else read_uem(uem), seed)
    write_rttm(out, turns)
    click.echo(f"{out}: {len(turns)} turns of {kind}")
