"""`mimidiar table publish`: records into the versioned results."""

from pathlib import Path

import click


@click.command()
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", "results", metavar="RESULTS", required=True, type=click.Path(path_type=Path))
def command(folders, results):
    """Copy all records below FOLDER (an experiment's folder) into the versioned folder RESULTS.

    Some records are refused before anything is copied: those made by uncommitted code, with synthetic speech or in a
    small run; those with a score that has changed since or follows older conventions; and those that would leave older
    seeds of the same system, set and protocol in RESULTS.
    """
    from mimidiar.report.publish import publish

    written = publish(folders, results)
    click.echo(f"published: {len(written)} records in {results}")
