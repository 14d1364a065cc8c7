"""`mimidiar study unseen-simulator`"""

import click


@click.command()
@click.argument("source", metavar="SOURCE", type=click.Path(file_okay=False))
@click.argument("out", metavar="OUT", type=click.Path(file_okay=False))
@click.option("--config", type=click.Path(dir_okay=False), help="YAML file.  [default: the settings of the class]")
@click.argument("overrides", nargs=-1)
def command(source: str, out: str, config: str | None, overrides: tuple[str, ...]) -> None:
    """Simulate conversations OUT of the speakers of the prepared set SOURCE, for testing alone: by a Markov chain, with
    rooms, noises and levels that share nothing with training.

    OVERRIDES are key=value, for example conversations=4. All keys: pydoc mimidiar.studies.unseen_simulator.sets
    """
    from mimidiar.config import load_config
    from mimidiar.studies.unseen_simulator.sets import ChainSet, write_chain_set

    write_chain_set(load_config(ChainSet, config, overrides), source, out)
