"""`mimidiar data simulate-turns`: stage 2."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("data", type=PATH)
@click.argument("out", type=PATH)
@click.option("--config", required=True, type=PATH, help="YAML file of the sets to write.")
@click.option("--turns", required=True, type=PATH, help="YAML file of turn statistics.")
@click.argument("overrides", nargs=-1)
def command(data: Path, out: Path, config: Path, turns: Path, overrides: tuple[str, ...]) -> None:
    """Simulate conversations of the speakers in the prepared sets below DATA, by a model of turn-taking.

    Each set of the configuration is written to OUT/talk_<name>. The simulation is that of `mimidiar train --talks`:
    turn statistics, levels, noise, rooms and frequency bands. OVERRIDES are key=value, for example sets.dev.count=10.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.drawn_sets import DrawnConversationSets, write_conversation_sets

    write_conversation_sets(load_config(DrawnConversationSets, config, overrides), turns, data, out)
