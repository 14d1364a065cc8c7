"""`mimidiar data prepare`: stage 1."""

import inspect

import click

from mimidiar.corpora import corpora, corpus_function
from mimidiar.corpora.preparation import Preparation


@click.command()
@click.argument("corpus")
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--corpus", "root", type=click.Path(), help="Folder of the corpus.  [default: by corpus]")
@click.option("--seed", default=0, show_default=True, help="Seed of the speaker split.")
@click.option(
    "--limit-speakers", type=click.IntRange(min=1), help="Highest number of speakers for each corpus and split."
)
@click.option("--downloads", default="downloads", show_default=True, help="Folder of stage 0's downloads.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Setting of the corpus; repeatable.")
def command(
    corpus: str, out: str, root: str | None, seed: int, limit_speakers: int | None, downloads: str, settings: tuple
) -> None:
    """Write the sets of CORPUS below the folder OUT and validate them.

    The settings of a corpus are the fields of the dataclass <Corpus>Settings in its file in mimidiar/corpora.
    """
    prepare = corpus_function("prepare", corpus)
    prepare(Preparation(root, out, seed, limit_speakers, downloads, settings))


command.help = f"{inspect.cleandoc(command.help or '')}\n\nCorpora: {', '.join(corpora())}."
