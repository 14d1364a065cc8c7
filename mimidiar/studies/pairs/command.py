"""`mimidiar study pairs`: whether two short windows of a recording are of one speaker."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.group()
def command():
    """Measure speaker information in short windows: choose pairs of windows of a recording, and score them."""


@command.command()
@click.argument("data", type=PATH)
@click.argument("out", type=PATH)
@click.option(
    "--window-sec",
    "seconds",
    multiple=True,
    type=float,
    default=(0.5, 1.0, 1.5, 3.0),
    show_default=True,
    help="Length of windows in s, brought to whole frames of 80 ms; repeatable.",
)
@click.option(
    "--pairs",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Number of pairs of the same, and of different speakers, in each recording and for each length.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the choice.")
def choose(data, out, seconds, pairs, seed):
    """Choose pairs of windows in the recordings of the set DATA: OUT/trials, windows.tsv, pairs.json.

    In a window one speaker is active in 90 % of the frames or more, and others together in 10 % or fewer. A recording
    with too few pairs of either kind is left out, and named.
    """
    from mimidiar.studies.pairs.choose import choose_set

    for length in choose_set(data, out, seconds, pairs, seed):
        click.echo(length.summary(pairs))


@command.command()
@click.argument("data", type=PATH)
@click.argument("pairs", type=PATH)
@click.argument("out", type=PATH)
@click.option("--feats", type=PATH, help="Features of DATA: a window's vector is their mean over its frames.")
@click.option(
    "--center", "--centre", is_flag=True, help="Subtract the mean of the recording's features over its speech."
)
@click.option("--probe", type=PATH, help="Score in the space of this linear probe (model.safetensors).")
@click.option("--encoder", help="Speaker encoder, such as campplus, to embed the audio of each window.")
@click.option("--checkpoint", type=PATH, help="Weights of the speaker encoder, as for `mimidiar feats extract`.")
@click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")
def score(data, pairs, out, feats, center, probe, encoder, checkpoint, name):
    """Score the PAIRS of DATA by cosine: OUT/scores, and OUT/window<seconds>/score.json with the equal error rate.

    Vectors are of stored features (--feats) or of a speaker encoder (--encoder).
    """
    from mimidiar.studies.pairs.embed import embed_audio, embed_features
    from mimidiar.studies.pairs.score import read_pairs, score_pairs

    if (feats is None) == (encoder is None):
        raise click.UsageError("give either --feats or --encoder")
    if encoder is not None and (center or probe is not None):
        raise click.UsageError("--center and --probe are for --feats")
    if feats is not None and checkpoint is not None:
        raise click.UsageError("--checkpoint is for --encoder")
    windows = read_pairs(pairs)[1].values()
    if encoder is not None:
        vectors, weights = embed_audio(data, encoder, windows, checkpoint)
        about = {"vectors": f"{encoder} on the audio", "weights_sha256": weights}
    else:
        vectors = embed_features(data, feats, windows, center, probe)
        about = {"vectors": f"mean of features{', centered' if center else ''}{', through a probe' if probe else ''}"}
    about |= {"system": name}
    for length, found in score_pairs(pairs, out, vectors, about).items():
        click.echo(f"{length}: EER {found['eer']:.2f} % of {found['n_target'] + found['n_nontarget']} pairs")
