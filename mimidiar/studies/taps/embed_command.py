"""`mimidiar study embed`: pooled features to scores of verification trials."""

from pathlib import Path

import click


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("feats", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--pooling", default="all", show_default=True, help="Mean over 'all' frames, or 'speech'; a probe has its own."
)
@click.option(
    "--center",
    "--centre",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="DATA FEATS",
    help="Subtract the mean of this set.",
)
@click.option("--probe", type=click.Path(path_type=Path), help="Score in the space of this probe (model.safetensors).")
def command(data, feats, out, pooling, center, probe) -> None:
    """Score DATA/trials by the cosine of mean-pooled FEATS, into OUT/scores (Exp 1; with --probe Exp 1.5)."""
    from mimidiar.studies.taps.trial_scores import embed

    embed(data, feats, out, pooling, center, probe)
