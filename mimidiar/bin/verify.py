"""`mimidiar verify`: equal error rate of trial scores."""

from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scores", metavar="SCORES", type=click.Path(path_type=Path))
@click.argument("trials", metavar="TRIALS", type=click.Path(path_type=Path))
@click.option("-o", "--out", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Write DIR/score.json.")
@click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")
def command(scores, trials, folder, name):
    """EER and minDCF of SCORES (`enrol test score` a line) on TRIALS (`label enrol test` a line; label 1 or 0)."""
    from mimidiar.score import table, verification

    document = verification.verify_files(scores, trials, name)
    for warning in document["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    click.echo(table.verification_table(document))
    if folder:
        verification.write_verification(folder, document)
        click.echo(table.written(folder, "score.json"))
