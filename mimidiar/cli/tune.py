"""`mimidiar eval tune`: the post-processing, chosen on a development set."""

from pathlib import Path

import click


@click.command()
@click.argument("posteriors", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def command(posteriors, data, out) -> None:
    """Tune threshold, median filter and minimum durations for the lowest frame DER of POSTERIORS on DATA.

    OUT/tuned.yaml contains the values and the name of the set; `mimidiar eval binarize` refuses recordings of that set.
    """
    from mimidiar.evaluation.tune import tune_on

    click.echo(tune_on(posteriors, data, out / "tuned.yaml"))
