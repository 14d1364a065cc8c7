"""mimidiar download: corpora from where they are published."""

import click


@click.command()
@click.argument("corpus", type=click.Choice(["mini_librispeech"]))
@click.argument("downloads", type=click.Path(file_okay=False))
def command(corpus: str, downloads: str) -> None:
    """Download CORPUS and unpack it into the folder DOWNLOADS/CORPUS; an interrupted download goes on."""
    from mimidiar.corpora.librispeech import download_mini_librispeech

    download_mini_librispeech(downloads, click.echo)
