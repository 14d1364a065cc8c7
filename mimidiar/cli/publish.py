"""`mimidiar publish`: records into the results that are kept."""

from pathlib import Path

import click


@click.command()
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", "results", metavar="RESULTS", required=True, type=click.Path(path_type=Path))
def command(folders, results):
    """Copy all records below FOLDER (an experiment's folder) into the folder RESULTS, which is under version control.

    Refused, before anything is copied: records made by code that is in no commit, of synthetic speech or a small run,
    whose score has changed since they were written or follows older conventions, and records that would leave older
    seeds of the same system, set and protocol beside them in RESULTS.
    """
    from mimidiar.report.publish import publish

    written = publish(folders, results)
    click.echo(f"published: {len(written)} records in {results}")
