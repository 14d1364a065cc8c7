"""mimidiar data download: corpora from where they are published."""

import inspect

import click

from mimidiar.corpora import corpora, corpus_function


@click.command()
@click.argument("corpus")
@click.argument("downloads", type=click.Path(file_okay=False), default="downloads", envvar="DIARIZATION_ROOT")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the corpus; repeatable.")
def command(corpus: str, downloads: str, settings: tuple[str, ...]) -> None:
    """Download CORPUS and unpack it into the folder DOWNLOADS/CORPUS; an interrupted download goes on.

    DOWNLOADS: $DIARIZATION_ROOT, or else the folder downloads, unless given.
    """
    corpus_function("download", corpus)(downloads, click.echo, settings)


command.help = f"{inspect.cleandoc(command.help or '')}\n\nCorpora: {', '.join(corpora('download'))}."
