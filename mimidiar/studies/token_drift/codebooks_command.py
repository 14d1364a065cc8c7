"""`mimidiar study codebooks`: codebooks for a codec without."""

from pathlib import Path

import click


@click.command()
@click.argument("feats", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Weights of the features' codec.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of frames and first centers."
)
def command(feats, out, checkpoint, seed) -> None:
    """Fill the codebooks of an untrained codec by k-means of the latents of FEATS; OUT/codebooks.safetensors.

    FEATS are features of the tap below the codec's last layers, as for `mimidiar train` with unfreeze.
    """
    from mimidiar.studies.token_drift.drift import make_codebooks

    path = out / "codebooks.safetensors"
    click.echo(f"{path}: filled with {make_codebooks(feats, path, checkpoint, seed)} frames")
