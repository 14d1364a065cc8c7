"""`mimidiar data new`: the skeleton of a dataset."""

from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Checkout of mimidiar to write into.  [default: that of this command]",
)
def command(name: str, into: Path | None) -> None:
    """Write the skeleton of the dataset NAME: its file in mimidiar/corpora, a test, and a recipe below egs/NAME.

    The skeleton runs at once, on <set>/<recording>.wav and .rttm of the sets train, dev and test. Then adapt the reader
    in the file to the published layout of the corpus. Existing files are not overwritten, and no list needs an entry.
    """
    from mimidiar.cli.report import command as report
    from mimidiar.corpora.from_template import CHECKOUT, write_dataset

    for path in write_dataset(name, into or CHECKOUT):
        click.echo(f"written: {path}")
    dataset = (into or CHECKOUT) / "egs" / name
    table, results = dataset / "conf" / "table.yaml", dataset / "adapter" / "RESULTS.md"
    report.main([str(table), "--only", "adapter", "--results", str(dataset), "-o", str(results)], standalone_mode=False)
    reader = (into or CHECKOUT) / "mimidiar" / "corpora" / f"{name}.py"
    click.echo(f"next: {dataset}/adapter/run.sh --corpus FOLDER --stage 1 --stop-stage 1")
    click.echo(f"for another layout than <set>/<recording>.wav and .rttm, adapt {reader} and its test")
