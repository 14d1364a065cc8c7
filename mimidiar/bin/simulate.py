"""mimidiar simulate"""

import click

from mimidiar.bin.jobs import job_option
from mimidiar.config import load_config


@click.command()
@click.argument("data", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--config", required=True, type=click.Path(dir_okay=False), help="YAML file: the sets to make.")
@job_option
@click.argument("overrides", nargs=-1)
def command(data: str, out: str, config: str, job: tuple[int, int] | None, overrides: tuple[str, ...]) -> None:
    """Make conversations from the prepared sets below DATA: OUT/sim_<name> for every set named in the configuration.

    OVERRIDES are key=value, for example sets.train.conversations=10.
    """
    from mimidiar.simulate.options import Simulation
    from mimidiar.simulate.sets import simulate_sets

    simulate_sets(load_config(Simulation, config, overrides), data, out, job, click.echo)
