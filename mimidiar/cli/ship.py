"""`mimidiar ship`: weights into the package."""

import sys
from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("weights", type=PATH)
@click.argument("name")
@click.option("--card", type=PATH, required=True, metavar="TEXT.md", help="Text on use and limits, written by people.")
@click.option(
    "--results", type=PATH, multiple=True, metavar="FOLDER", help="Folder of records of these weights; repeatable."
)
@click.option(
    "--beside",
    type=PATH,
    multiple=True,
    metavar="FOLDER",
    help="Folder of records of others to show; repeatable.",
)
@click.option("--out", type=PATH, metavar="DIR", help="Output folder.  [default: that of the package]")
@click.option("--allow-dirty", is_flag=True, help="Accept weights made by uncommitted code; their record is marked.")
def command(weights, name, card, results, beside, out, allow_dirty):
    """Put WEIGHTS (.safetensors) into the package as NAME, with their record and model card.

    DIR/NAME.safetensors, at most 12 MB; DIR/NAME.json, the record: sha256, every command and commit from the data on,
    configuration, seed, sets and licences, versions, figures; DIR/NAME.md, the card: TEXT.md and what the record says.
    `mimidiar.shipped.shipped_file(NAME)` finds them.
    """
    from mimidiar.report.ship import Shipment, ship
    from mimidiar.shipped import ASSETS

    words = ["mimidiar", *sys.argv[1:]]
    path = ship(Shipment(weights, name, card, results, beside), out or ASSETS, words, allow_dirty)
    click.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB, with its record and card")
