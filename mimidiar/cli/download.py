"""`mimidiar data download`: stage 0."""

import inspect

import click

from mimidiar.corpora import corpora, corpus_function


@click.command()
@click.argument("corpus")
@click.argument("downloads", type=click.Path(file_okay=False), default="downloads", envvar="DIARIZATION_ROOT")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Setting of the corpus; repeatable.")
def command(corpus: str, downloads: str, settings: tuple[str, ...]) -> None:
    """Download CORPUS and unpack it into the folder DOWNLOADS/CORPUS. An interrupted download is resumed.

    DOWNLOADS defaults to $DIARIZATION_ROOT, or else to the folder downloads.
    """
    corpus_function("download", corpus)(downloads, settings)


command.help = f"{inspect.cleandoc(command.help or '')}\n\nCorpora: {', '.join(corpora('download'))}."
