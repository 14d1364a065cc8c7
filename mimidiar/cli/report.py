"""`mimidiar report`: tables of records."""

from pathlib import Path

import click


@click.command()
@click.argument("table", metavar="TABLE", type=click.Path(path_type=Path))
@click.option(
    "--results",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Folder of records; repeatable.  [default: the folders that TABLE names]",
)
@click.option("--only", multiple=True, metavar="NAME", help="Name of a table; the others are left out. Repeatable.")
@click.option("--format", "style", type=click.Choice(["md", "latex", "csv", "json"]), default="md", show_default=True)
@click.option("--allow-dirty", is_flag=True, help="Accept records of uncommitted code; the tables are marked as draft.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Output file.  [default: standard output]")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="Markdown file in which the tables replace the text between the result marks.",
)
@click.option("--brief", "short", is_flag=True, help="Write tables and notes only, without protocols and code.")
@click.option("--check", is_flag=True, help="Write nothing; fail if the file of --out or --into is not up to date.")
def command(table, results, only, style, allow_dirty, out, into, short, check):
    """Make the tables of TABLE (YAML) from records.

    Several seeds are shown as mean ± standard deviation; a cell without a record is shown as "not run". Records are
    refused, with the name of their cell, if they are by uncommitted code, of a set used in training or tuning, with a
    doubled seed, of another configuration or encoder than the other seeds, or scored in another way than the rest of
    their column.
    """
    from mimidiar.errors import MimidiarError
    from mimidiar.report.document import brief, insert, make_report, write_or_check
    from mimidiar.report.formats import FORMATS
    from mimidiar.report.record_index import Shelf
    from mimidiar.report.table_file import patterns_without_folder, read_table_file, record_folders

    file = read_table_file(table, only)
    if into is not None and style != "md":
        raise MimidiarError(f"--into {into}: takes Markdown, not --format {style}")
    for pattern in () if results else patterns_without_folder(file, table):
        click.echo(f"{table}: no folder of records like {pattern} yet", err=True)
    report = make_report(file, Shelf(results or record_folders(file, table)), allow_dirty)
    text = FORMATS[style](brief(report) if short else report)
    if into is None and out is None:
        click.echo(text, nl=False)
    if out is not None:
        click.echo(write_or_check(out, text, check))
    if into is not None:
        click.echo(write_or_check(into, insert(text, into), check))
