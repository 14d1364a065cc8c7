"""`mimidiar bench`: diarizers side by side, what they answer and what they cost."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("data", metavar="DATA", type=PATH)
@click.argument("out", metavar="OUT", type=PATH)
@click.option(
    "--system",
    "systems",
    type=(str, str),
    multiple=True,
    required=True,
    metavar="NAME COMMAND",
    help="A diarizer, and how it is called: {files} stands for the audio files, {out} for the folder "
    "in which <file name>.rttm of each is expected. Repeatable; times are also given as ratio to the first.",
)
@click.option(
    "--package",
    "packages",
    type=(str, PATH),
    multiple=True,
    metavar="NAME FOLDER",
    help="System NAME is of the package that FOLDER/package.json names.",
)
@click.option(
    "--weights",
    type=(str, PATH),
    multiple=True,
    metavar="NAME FILE",
    help="System NAME has weights in FILE; the record keeps their sha256.",
)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How often each is run.")
@click.option("--cores", type=click.IntRange(min=1), default=2, show_default=True, help="Cores that each may use.")
def command(data, out, systems, packages, weights, rounds, cores):
    """Run diarizers in turn on the recordings of the set DATA, each in one process, on the same cores.

    Writes OUT/NAME/hyp.rttm, for `mimidiar score`; OUT/NAME/cost/score.json, for `mimidiar record`; and
    OUT/NAME/system.json, which tells that of what the system is made. In each round each system has the first recording
    alone, and then all: the difference is what audio costs once a system has started.

    \b
    What the figures mean: python -m pydoc mimidiar.studies.bench.cost
    """
    from mimidiar.errors import MimidiarError
    from mimidiar.files import sha256_file
    from mimidiar.studies.bench.systems import System, bench, read_package

    names = [name for name, _ in systems]
    if unknown := [name for name, _ in (*packages, *weights) if name not in names]:
        raise MimidiarError(f"no --system is called {unknown[0]}; there are {', '.join(names)}")
    made = [
        System(
            name,
            line,
            tuple(read_package(folder) for own, folder in packages if own == name),
            tuple(sha256_file(path) for own, path in weights if own == name),
        )
        for name, line in systems
    ]
    bench(data, out, made, rounds, cores, click.echo)
    click.echo(f"written: {', '.join(f'{out}/{name}' for name in names)}")
