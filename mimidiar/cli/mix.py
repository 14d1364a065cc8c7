"""`mimidiar data mix`: stage 2."""

import click


@click.command()
@click.argument("data", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--config", required=True, type=click.Path(dir_okay=False), help="YAML file of the sets to write.")
@click.argument("overrides", nargs=-1)
def command(data: str, out: str, config: str, overrides: tuple[str, ...]) -> None:
    """Mix utterances of two speakers from the prepared sets below DATA.

    Each set of the configuration is written to OUT/sim_<name>.

    OVERRIDES are key=value, for example sets.test.count=10.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.drawn_sets import MixtureSets, write_mixture_sets

    write_mixture_sets(load_config(MixtureSets, config, overrides), data, out)
