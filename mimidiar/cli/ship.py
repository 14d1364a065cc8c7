"""`mimidiar model ship`: weights into the package."""

import sys
from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("weights", type=PATH)
@click.argument("name")
@click.option("--card", type=PATH, required=True, metavar="TEXT.md", help="Hand-written text on use and limits.")
@click.option(
    "--results", type=PATH, multiple=True, metavar="FOLDER", help="Folder of records of these weights; repeatable."
)
@click.option(
    "--beside",
    type=PATH,
    multiple=True,
    metavar="FOLDER",
    help="Folder of records of other systems to compare with; repeatable.",
)
@click.option(
    "--out", type=PATH, metavar="DIR", help="Output folder.  [default: the folder of shipped weights in the package]"
)
@click.option("--allow-dirty", is_flag=True, help="Accept weights made by uncommitted code; their record is marked.")
def command(weights, name, card, results, beside, out, allow_dirty):
    """Put WEIGHTS (.safetensors) into the package as NAME, with their record and model card.

    Written are DIR/NAME.safetensors, at most 12 MB; DIR/NAME.json, the record, with sha256, every command and commit
    from the data on, configuration, seed, sets and licenses, versions and metrics; and DIR/NAME.md, the card, from
    TEXT.md and the record. `mimidiar.shipped.shipped_file(NAME)` returns their paths.
    """
    from mimidiar.report.ship import Shipment, ship
    from mimidiar.shipped import ASSETS

    words = ["mimidiar", *sys.argv[1:]]
    path = ship(Shipment(weights, name, card, results, beside), out or ASSETS, words, allow_dirty)
    click.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB, with its record and card")
