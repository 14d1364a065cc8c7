"""mimidiar data simulate-turns"""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("data", type=PATH)
@click.argument("out", type=PATH)
@click.option("--config", required=True, type=PATH, help="YAML file: the sets to make.")
@click.option("--turns", required=True, type=PATH, help="YAML file of turn statistics.")
@click.argument("overrides", nargs=-1)
def command(data: Path, out: Path, config: Path, turns: Path, overrides: tuple[str, ...]) -> None:
    """Simulate conversations of the speakers of the prepared sets below DATA: OUT/talk_<name> for every set in the
    configuration.

    They are simulated as `mimidiar train --talks` does it: by turn statistics, at many levels, in noise, rooms and
    bands. OVERRIDES are key=value, for example sets.dev.count=10.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.drawn_sets import DrawnConversationSets, write_conversation_sets

    write_conversation_sets(load_config(DrawnConversationSets, config, overrides), turns, data, out, click.echo)
