"""mimidiar simulate"""

import click

from mimidiar.config import load_config
from mimidiar.errors import MimidiarError


def parse_job(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[int, int] | None:
    """'K/N' -> (K, N)."""
    if text is None:
        return None
    first, slash, second = text.partition("/")
    if not (slash and first.isdigit() and second.isdigit() and 1 <= int(first) <= int(second)):
        raise MimidiarError(f"--job {text}: expected K/N with 1 <= K <= N, as in 1/4")
    return int(first), int(second)


@click.command()
@click.argument("data", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--config", required=True, type=click.Path(dir_okay=False), help="YAML file: the sets to make.")
@click.option("--job", callback=parse_job, metavar="K/N", help="Make only this share of the conversations.")
@click.argument("overrides", nargs=-1)
def command(data: str, out: str, config: str, job: tuple[int, int] | None, overrides: tuple[str, ...]) -> None:
    """Make conversations from the prepared sets below DATA: OUT/sim_<name> for every set named in the configuration.

    OVERRIDES are key=value, for example sets.train.conversations=10.
    """
    from mimidiar.simulate.options import Simulation
    from mimidiar.simulate.sets import simulate_sets

    simulate_sets(load_config(Simulation, config, overrides), data, out, job, click.echo)
