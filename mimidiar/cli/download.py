"""mimidiar download: corpora from where they are published."""

import click

from mimidiar.corpora import DOWNLOADS


@click.command()
@click.argument("corpus", type=click.Choice(sorted(DOWNLOADS)))
@click.argument("downloads", type=click.Path(file_okay=False), default="downloads", envvar="DIARIZATION_ROOT")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the corpus; repeatable.")
def command(corpus: str, downloads: str, settings: tuple[str, ...]) -> None:
    """Download CORPUS and unpack it into the folder DOWNLOADS/CORPUS; an interrupted download goes on.

    DOWNLOADS: $DIARIZATION_ROOT, or else the folder downloads, unless given.
    """
    DOWNLOADS[corpus](downloads, click.echo, settings)
