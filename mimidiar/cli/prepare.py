"""mimidiar data prepare"""

import inspect

import click

from mimidiar.corpora import corpora, corpus_function
from mimidiar.corpora.preparation import Preparation


@click.command()
@click.argument("corpus")
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--corpus", "root", type=click.Path(), help="Folder with the corpus; default: as the corpus' file says.")
@click.option("--seed", default=0, show_default=True, help="Seed of the split of speakers.")
@click.option("--limit-speakers", type=click.IntRange(min=1), help="At most so many speakers per corpus and split.")
@click.option("--downloads", default="downloads", show_default=True, help="Where stage 0 puts what it downloads.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the corpus; repeatable.")
def command(
    corpus: str, out: str, root: str | None, seed: int, limit_speakers: int | None, downloads: str, settings: tuple
) -> None:
    """Write the sets of CORPUS below the folder OUT and validate them.

    What a corpus can be told by --set stands in its file, in mimidiar/corpora: the dataclass <Corpus>Settings.
    """
    prepare = corpus_function("prepare", corpus)
    prepare(Preparation(root, out, seed, limit_speakers, downloads, settings, click.echo))


command.help = f"{inspect.cleandoc(command.help or '')}\n\nCorpora: {', '.join(corpora())}."
