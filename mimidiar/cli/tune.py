"""mimidiar tune: choose the post-processing on a development set."""

from pathlib import Path

import click


@click.command()
@click.argument("posteriors", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def command(posteriors, data, out) -> None:
    """Search threshold, median filter and minimum durations for the least frame DER of POSTERIORS on DATA.

    Writes OUT/tuned.yaml, which names the set; `decide` refuses to use it on that set.
    """
    from mimidiar.training.tune import tune_on

    click.echo(tune_on(posteriors, data, out / "tuned.yaml"))
