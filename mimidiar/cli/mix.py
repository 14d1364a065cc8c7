"""mimidiar mix"""

import click


@click.command()
@click.argument("data", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--config", required=True, type=click.Path(dir_okay=False), help="YAML file: the sets to make.")
@click.argument("overrides", nargs=-1)
def command(data: str, out: str, config: str, overrides: tuple[str, ...]) -> None:
    """Mix utterances of two speakers from the prepared sets below DATA: OUT/sim_<name> for every set in the
    configuration.

    OVERRIDES are key=value, for example sets.test.count=10.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.drawn_sets import MixtureSets, write_mixture_sets

    write_mixture_sets(load_config(MixtureSets, config, overrides), data, out, click.echo)
