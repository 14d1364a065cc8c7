"""mimidiar decide: posteriors to RTTM."""

from pathlib import Path

import click


@click.command()
@click.argument("posteriors", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--tuned", type=click.Path(path_type=Path), required=True, help="tuned.yaml, as `mimidiar tune` writes it."
)
def command(posteriors, out, tuned) -> None:
    """Turn POSTERIORS into OUT/hyp.rttm by the post-processing of --tuned.

    Refused for recordings on which the post-processing was tuned.
    """
    from mimidiar.diarize.stored import write_hypothesis

    write_hypothesis(posteriors, tuned, out / "hyp.rttm")
