"""`mimidiar study bench`: diarizers side by side, their outputs and their costs."""

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
    help="A diarizer and its command: {files} stands for the audio files, {out} for the folder "
    "of their <file name>.rttm. Repeatable; times are also given as ratio to the first.",
)
@click.option(
    "--package",
    "packages",
    type=(str, PATH),
    multiple=True,
    metavar="NAME FOLDER",
    help="Package of system NAME, from FOLDER/package.json.",
)
@click.option(
    "--weights",
    type=(str, PATH),
    multiple=True,
    metavar="NAME FILE",
    help="Weights of system NAME; the record keeps their sha256.",
)
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Number of runs of each system."
)
@click.option(
    "--cores", type=click.IntRange(min=1), default=2, show_default=True, help="Number of cores for each system."
)
def command(data, out, systems, packages, weights, rounds, cores):
    """Run diarizers in turn on the recordings of the set DATA, each in one process, on the same cores.

    Writes OUT/NAME/hyp.rttm, for `mimidiar score`; OUT/NAME/cost/score.json, for `mimidiar table record`; and
    OUT/NAME/system.json, the system's parts for that record. In each round each system runs on the first recording
    alone, and then on all: the difference is the cost of audio without start-up.

    \b
    Meaning of the figures: python -m pydoc mimidiar.studies.bench.systems
    """
    from mimidiar.errors import MimidiarError
    from mimidiar.files import sha256_file
    from mimidiar.studies.bench.systems import System, bench, read_package

    names = [name for name, _ in systems]
    if unknown := [name for name, _ in (*packages, *weights) if name not in names]:
        raise MimidiarError(f"no --system has the name {unknown[0]}; there are {', '.join(names)}")
    made = [
        System(
            name,
            line,
            tuple(read_package(folder) for own, folder in packages if own == name),
            tuple(sha256_file(path) for own, path in weights if own == name),
        )
        for name, line in systems
    ]
    bench(data, out, made, rounds, cores)
    click.echo(f"written: {', '.join(f'{out}/{name}' for name in names)}")
