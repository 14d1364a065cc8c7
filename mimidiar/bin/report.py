"""mimidiar report: tables from score files."""

from pathlib import Path

import click


@click.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--root", default=".", type=click.Path(path_type=Path), help="Folder that the rows' folders start from.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Fill {NAME} in labels and folders.")
@click.option("--only", multiple=True, metavar="NAME", help="Only the table of this name; repeatable.")
@click.option(
    "--into", type=click.Path(path_type=Path), help="Put them between the result marks of this Markdown file."
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Also write the tables to this file.")
def command(table, root, settings, only, into, out) -> None:
    """Print the tables that TABLE (YAML) describes, from the score.json files below --root."""
    from mimidiar.config import load_config
    from mimidiar.errors import MimidiarError
    from mimidiar.files import write_text
    from mimidiar.report.table import Report, insert, render

    if odd := [setting for setting in settings if "=" not in setting]:
        raise MimidiarError(f"--set {odd[0]}: not of the form NAME=VALUE")
    values = dict(setting.split("=", 1) for setting in settings)
    report = load_config(Report, table)
    if unknown := set(only) - {found.name for found in report.tables}:
        raise MimidiarError(
            f"{table}: no table '{sorted(unknown)[0]}'; it has {', '.join(t.name for t in report.tables)}"
        )
    report.tables = [found for found in report.tables if not only or found.name in only]
    text = render(report, root, values)
    click.echo(text, nl=False)
    if into is not None:
        if not into.is_file():
            raise MimidiarError(f"{into}: no such file to put the tables into")
        write_text(into, insert(text, into.read_text(encoding="utf-8"), str(into)))
    if out is not None:
        write_text(out, text)
