"""`mimidiar eval binarize`: posteriors to RTTM."""

from pathlib import Path

import click


@click.command()
@click.argument("posteriors", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--tuned", type=click.Path(path_type=Path), required=True, help="tuned.yaml of `mimidiar eval tune`.")
def command(posteriors, out, tuned) -> None:
    """Binarize POSTERIORS with the post-processing of --tuned, and write the turns to OUT/hyp.rttm.

    Recordings on which the post-processing was tuned are refused.
    """
    from mimidiar.evaluation.stored import write_hypothesis

    write_hypothesis(posteriors, tuned, out / "hyp.rttm")
