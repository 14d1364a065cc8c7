"""`mimidiar report` and `mimidiar table`: records of scores, and tables of them, stages 5 and 6."""

import sys

import click

from mimidiar.cli.options import PATH


@click.command()
@click.argument("table", metavar="TABLE", type=PATH)
@click.option(
    "--results",
    multiple=True,
    metavar="FOLDER",
    type=PATH,
    help="Folder of records; repeatable.  [default: the folders that TABLE names]",
)
@click.option("--only", multiple=True, metavar="NAME", help="Name of a table; the others are left out. Repeatable.")
@click.option("--format", "style", type=click.Choice(["md", "latex", "csv", "json"]), default="md", show_default=True)
@click.option("--allow-dirty", is_flag=True, help="Accept records of uncommitted code; the tables are marked as draft.")
@click.option("-o", "--out", type=PATH, help="Output file.  [default: standard output]")
@click.option("--into", type=PATH, help="Markdown file in which the tables replace the text between the result marks.")
@click.option("--brief", "short", is_flag=True, help="Write tables and notes only, without protocols and code.")
@click.option("--check", is_flag=True, help="Write nothing; fail if the file of --out or --into is not up to date.")
def report(table, results, only, style, allow_dirty, out, into, short, check):
    """Make the tables of TABLE (YAML) from records.

    Several seeds are shown as mean ± standard deviation; a cell without a record is shown as "not run". Records are
    refused, with the name of their cell, if they are by uncommitted code, of a set used in training or tuning, with a
    doubled seed, of another configuration or encoder than the other seeds, or scored in another way than the rest of
    their column.
    """
    from mimidiar.errors import MimidiarError
    from mimidiar.report.document import FORMATS, brief, insert, make_report, write_or_check
    from mimidiar.report.record_index import Shelf
    from mimidiar.report.table_file import patterns_without_folder, read_table_file, record_folders

    file = read_table_file(table, only)
    if into is not None and style != "md":
        raise MimidiarError(f"--into {into}: takes Markdown, not --format {style}")
    for pattern in () if results else patterns_without_folder(file, table):
        click.echo(f"{table}: no folder of records like {pattern} yet", err=True)
    made = make_report(file, Shelf(results or record_folders(file, table)), allow_dirty)
    text = FORMATS[style](brief(made) if short else made)
    if into is None and out is None:
        click.echo(text, nl=False)
    if out is not None:
        click.echo(write_or_check(out, text, check))
    if into is not None:
        click.echo(write_or_check(into, insert(text, into), check))


@click.command()
@click.argument("score_dirs", metavar="SCORE_DIR...", nargs=-1, required=True, type=PATH)
@click.option("--system", required=True, help="Name of the scored system, as in a table's row.")
@click.option("--set", "set_name", metavar="SET", required=True, help="Name of the scored set.")
@click.option("--protocol", help="Name of the protocol.  [default: the name of SCORE_DIR, such as collar0]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the training.")
@click.option(
    "--made-with",
    multiple=True,
    metavar="FOLDER",
    type=PATH,
    help="Folder of a model, features, posteriors or tuned.yaml that the score depends on; repeatable. Not needed for "
    "scores of a recipe's stage.",
)
def record(score_dirs, system, set_name, protocol, seed, made_with):
    """Write the record of each SCORE_DIR (with a score.json) into it: SYSTEM.SET.PROTOCOL.seedN.json.

    A record contains the metrics with their intervals and protocol, and their lineage: hashes of reference, hypothesis,
    model, configuration and weights; training and tuning sets; every command and commit; seed, machine and speed.
    Scores that no recipe stage produced are recorded as "code: unknown", and serve for drafts only. `mimidiar report`
    makes tables of records, `mimidiar table publish` copies them into the versioned results.
    """
    from mimidiar.errors import MimidiarError
    from mimidiar.report.make_record import Place, make_record
    from mimidiar.report.record import write_record

    if protocol is not None and len(score_dirs) > 1:
        raise MimidiarError(f"--protocol {protocol} can name only one of {len(score_dirs)} scores; call it for each")
    for score_dir in score_dirs:
        name = score_dir.resolve().name if protocol is None else protocol
        place, words = Place(system, set_name, seed), ["mimidiar", *sys.argv[1:]]
        click.echo(f"written: {write_record(score_dir, make_record(score_dir, name, place, words, made_with))}")


@click.command()
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=PATH)
@click.option("-o", "--out", "results", metavar="RESULTS", required=True, type=PATH)
def publish(folders, results):
    """Copy all records below FOLDER (an experiment's folder) into the versioned folder RESULTS.

    Some records are refused before anything is copied: those made by uncommitted code, with synthetic speech or in a
    small run; those with a score that has changed since or follows older conventions; and those that would leave older
    seeds of the same system, set and protocol in RESULTS.
    """
    from mimidiar.report import make_record

    written = make_record.publish(folders, results)
    click.echo(f"published: {len(written)} records in {results}")
