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
@click.option("--only", multiple=True, metavar="NAME", help="Name of a table to make, and no other; repeatable.")
@click.option("--format", "style", type=click.Choice(["md", "latex", "csv", "json"]), default="md", show_default=True)
@click.option(
    "--allow-dirty", is_flag=True, help="Show figures of uncommitted code as well; the tables are marked as draft."
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Output file, instead of the screen.")
@click.option("--into", type=click.Path(path_type=Path), help="Markdown file; the tables go between its result marks.")
@click.option("--check", is_flag=True, help="Write nothing: fail if the file of --out or --into holds anything else.")
def command(table, results, only, style, allow_dirty, out, into, check):
    """Make the tables that TABLE (YAML) describes, of records alone.

    Refused, naming the cell: a record made by uncommitted code, of a set that was tuned or trained on, with a doubled
    seed, of another configuration or encoder than the other seeds, or measured in another way than the rest of its
    column. A cell without a record says "not run". Several seeds are mean ± standard deviation.
    """
    from mimidiar.errors import MimidiarError
    from mimidiar.report.document import insert, make_report, write_or_check
    from mimidiar.report.formats import FORMATS
    from mimidiar.report.record_index import Shelf
    from mimidiar.report.table_file import patterns_without_folder, read_table_file, record_folders

    file = read_table_file(table, only)
    if into is not None and style != "md":
        raise MimidiarError(f"--into {into}: takes Markdown, not --format {style}")
    for pattern in () if results else patterns_without_folder(file, table):
        click.echo(f"{table}: no folder of records like {pattern} yet", err=True)
    text = FORMATS[style](make_report(file, Shelf(results or record_folders(file, table)), allow_dirty))
    if into is None and out is None:
        click.echo(text, nl=False)
    if out is not None:
        click.echo(write_or_check(out, text, check))
    if into is not None:
        click.echo(write_or_check(into, insert(text, into), check))
