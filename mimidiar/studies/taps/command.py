"""`mimidiar study taps`: the speaker information at every tap of an encoder; `probe` and `embed`: that of one tap."""

import sys
from pathlib import Path

import click

from mimidiar.encoders.registry import ENCODERS
from mimidiar.job_option import Named, job_option

PATH = click.Path(path_type=Path)
device_option = click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="cpu", show_default=True)
config_option = click.option("--config", type=PATH, help="YAML file of the configuration.")
set_option = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key; repeatable.")
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of weights and order."
)
probes_option = click.option("--probes", type=PATH, required=True, help="Probes of all taps (model.safetensors).")


@click.group()
def command():
    """Measure speaker information at every tap of an encoder: pool all taps in one pass, train a probe for each,
    score."""


@command.command()
@click.argument("data", metavar="DATA...", type=PATH, nargs=-1, required=True)
@click.argument("out", type=PATH)
@click.option("--encoder", type=Named(list(ENCODERS)), default="mimi", show_default=True)
@click.option("--checkpoint", type=click.Path(dir_okay=False), help="Weights, as for `mimidiar feats extract`.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of an untrained encoder's weights.")
@click.option("--window-sec", type=float, default=0.0, help="Length of windows in s; 0: whole utterances.")
@click.option("--hop-sec", type=float, default=0.0, help="Hop of the windows in s.")
@click.option("--limit", type=click.IntRange(min=1), help="Number of recordings, chosen at random with a fixed seed.")
@device_option
@job_option
def pool(data, out, encoder, checkpoint, seed, window_sec, hop_sec, limit, device, job):
    """Pool all taps of the sets DATA into OUT/<set>: one vector for each tap and utterance, or window.

    An utterance's vector is the mean over its speech, if marked in the manifest. One pass gives all taps, and no frames
    are written. Taps of Mimi: seanet, each transformer layer, latent, and 1, 2, 4, 8, 16, 32 codebooks up to its
    number; none where the codebooks of the weights are empty.
    """
    from mimidiar.features.timing import add_cost
    from mimidiar.studies.taps.pooled_store import Pooling, pool_sets

    pooling = Pooling(window_sec, hop_sec)
    for folder, done in pool_sets(data, out, encoder, pooling, checkpoint, seed, device, job, limit):
        add_cost(folder, done.cost)
        click.echo(done.summary(folder))


@command.command()
@click.argument("data", type=PATH)
@click.argument("pooled", type=PATH)
@click.argument("folder", type=PATH)
@config_option
@set_option
@seed_option
@device_option
def probe(data, pooled, folder, config, overrides, seed, device):
    """Train a linear layer from each tap, and from a learned sum of layers, to the speakers of DATA, into FOLDER."""
    from mimidiar.config import load_config
    from mimidiar.studies.taps.train import TapProbeConfig, train_tap_probes

    settings = load_config(TapProbeConfig, config, overrides)
    settings.check(str(config or "configuration"))
    train_tap_probes(settings, data, pooled, folder, seed, device)


@command.command()
@click.argument("data", type=PATH)
@click.argument("pooled", type=PATH)
@click.argument("out", type=PATH)
@click.option("--probes", type=PATH, help="Compare outputs of the probes of all taps (model.safetensors).")
@click.option(
    "--center",
    "--centre",
    type=(PATH, PATH),
    metavar="DATA POOLED",
    help="Subtract the mean of the training set: its folder, and that of its pooled taps.",
)
@click.option("--enrol", type=PATH, help="Pooled taps of the enrollment utterances, if not POOLED.")
@job_option
def score(data, pooled, out, probes, center, enrol, job):
    """Score DATA/trials by cosine at every tap: OUT/<tap>/probe/score.json, or with --center OUT/<tap>/cosine.

    Refused where a speaker of the trials is in the training set of the probes or of the mean.
    """
    from mimidiar.studies.taps.score import score_taps
    from mimidiar.studies.taps.spaces import find_means, load_tap_probes

    if (probes is None) == (center is None):
        raise click.UsageError("give either --probes or --center")
    score_taps(data, pooled, out, find_means(*center) if center else load_tap_probes(probes), enrol, job)


@command.command()
@click.argument("data", type=PATH)
@click.argument("pooled", type=PATH)
@click.argument("out", type=PATH)
@probes_option
def tune(data, pooled, out, probes):
    """Tune the clustering distance of every tap on DATA: OUT/tuned.yaml."""
    from mimidiar.studies.taps.score import tune_clusters

    click.echo(tune_clusters(data, pooled, out, probes))


@command.command()
@click.argument("data", type=PATH)
@click.argument("pooled", type=PATH)
@click.argument("out", type=PATH)
@probes_option
@click.option("--tuned", type=PATH, required=True, help="tuned.yaml of `mimidiar study taps tune`.")
@job_option
def cluster(data, pooled, out, probes, tuned, job):
    """Cluster the windows of DATA at every tap and score: OUT/<tap>/hyp.rttm and OUT/<tap>/collar0/score.json.

    Speech activity is that of the reference, so that only the assignment of speakers is measured.
    """
    from mimidiar.studies.taps.score import cluster_taps

    cluster_taps(data, pooled, out, probes, tuned, job)


@command.command()
@click.argument("folder", type=PATH)
@click.option("--system", required=True, help="Name of the system with {tap}, such as 'taps-{tap}-mimi'.")
@click.option("--set", "set_name", metavar="SET", required=True, help="Name of the scored set.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the training.")
def record(folder, system, set_name, seed):
    """Write the record of every score below FOLDER, as `mimidiar table record` for one."""
    from mimidiar.report.make_record import Place, make_record
    from mimidiar.report.record import write_record
    from mimidiar.score.score_file import SCORE_FILE

    words = ["mimidiar", *sys.argv[1:]]
    for path in sorted(folder.glob(f"*/*/{SCORE_FILE}")):
        place = Place(system.replace("{tap}", path.parts[-3]), set_name, seed)
        write_record(path.parent, make_record(path.parent, path.parts[-2], place, words))


@click.command()
@click.argument("data", type=PATH)
@click.argument("feats", type=PATH)
@click.argument("folder", type=PATH)
@config_option
@set_option
@seed_option
def probe_of_one_tap(data, feats, folder, config, overrides, seed):
    """Train one linear layer from pooled FEATS to the speakers of DATA, into FOLDER (Exp 1.5)."""
    from mimidiar.config import load_config
    from mimidiar.studies.taps.train import ProbeConfig, train_probe

    settings = load_config(ProbeConfig, config, overrides)
    settings.check(str(config or "configuration"))
    train_probe(settings, data, feats, folder, seed)


@click.command()
@click.argument("data", type=PATH)
@click.argument("feats", type=PATH)
@click.argument("out", type=PATH)
@click.option(
    "--pooling", default="all", show_default=True, help="Mean over 'all' frames, or 'speech'; a probe has its own."
)
@click.option("--center", "--centre", nargs=2, type=PATH, metavar="DATA FEATS", help="Subtract the mean of this set.")
@click.option("--probe", type=PATH, help="Score in the space of this probe (model.safetensors).")
def embed(data, feats, out, pooling, center, probe):
    """Score DATA/trials by the cosine of mean-pooled FEATS, into OUT/scores (Exp 1; with --probe Exp 1.5)."""
    from mimidiar.studies.taps.trial_scores import embed as run

    run(data, feats, out, pooling, center, probe)
