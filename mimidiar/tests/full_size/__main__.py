"""`python -m mimidiar.tests.full_size OUT`: OUT becomes a data root: small corpora, weights of full size."""

import os
from pathlib import Path

import click

from mimidiar.tests.full_size.trees import write_trees
from mimidiar.tests.full_size.weights import write_weights


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--titanet/--no-titanet", default=True, help="Leave out TitaNet, which needs NeMo.")
def command(out: Path, titanet: bool) -> None:
    """Write below OUT what a full run of the recipes wants, small, of the speech in $MIMIDIAR_MINI_CORPUS.

    Corpora voxceleb1, librispeech, ami and voxconverse in their published layouts; models/mimi.safetensors and
    models/titanet.nemo,
    of full size, seeded and untrained. What is there is not made again. Prints what to export for the recipes.
    """
    corpus = os.environ.get("MIMIDIAR_MINI_CORPUS")
    if not corpus:
        raise click.UsageError("MIMIDIAR_MINI_CORPUS is to name a folder with real speech, see egs/README.md")
    write_trees(Path(corpus), out)
    for name, path in write_weights(out / "models", titanet).items():
        click.echo(f"export {name}={path}")
    click.echo(f"export DIARIZATION_ROOT={out.resolve()}")


if __name__ == "__main__":
    command()
