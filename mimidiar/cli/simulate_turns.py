"""mimidiar talk"""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("data", type=PATH)
@click.argument("out", type=PATH)
@click.option("--config", required=True, type=PATH, help="YAML file: the sets to make.")
@click.option("--turns", required=True, type=PATH, help="YAML file: how people take turns.")
@click.argument("overrides", nargs=-1)
def command(data: Path, out: Path, config: Path, turns: Path, overrides: tuple[str, ...]) -> None:
    """Draw talks of the speakers of the prepared sets below DATA: OUT/talk_<name> for every set in the configuration.

    They are drawn as those that `mimidiar train --talks` hears: turns as people take them, at many levels, in noise,
    rooms and bands. OVERRIDES are key=value, for example sets.dev.count=10.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.drawn_sets import TalkSets, write_talk_sets

    write_talk_sets(load_config(TalkSets, config, overrides), turns, data, out, click.echo)
