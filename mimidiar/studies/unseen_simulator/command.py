"""`mimidiar study unseen-simulator` and `replay`"""

from pathlib import Path

import click

FOLDER = click.Path(path_type=Path, file_okay=False)


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


@click.command()
@click.argument("data", metavar="DATA", type=FOLDER)
@click.argument("out", metavar="OUT", type=FOLDER)
@click.option("--config", required=True, type=click.Path(dir_okay=False), help="YAML file of the sets to write.")
@click.option("--turns", required=True, type=FOLDER, help="Folder of RTTM files, of `mimidiar data turn-sequences`.")
@click.argument("overrides", nargs=-1)
def replay(data: Path, out: Path, config: str, turns: Path, overrides: tuple[str, ...]) -> None:
    """Simulate conversations that follow the turns of real ones, of the speakers in the prepared sets below DATA, for
    validation and testing alone.

    Each set of the configuration is written to OUT/<name>. OVERRIDES are key=value, for example sets.quick.count=4. All
    keys: pydoc mimidiar.studies.unseen_simulator.replay
    """
    from mimidiar.config import load_config
    from mimidiar.studies.unseen_simulator.replay import ReplaySets, write_replay_sets

    write_replay_sets(load_config(ReplaySets, config, overrides), data, turns, out)
