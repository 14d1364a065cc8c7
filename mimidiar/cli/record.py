"""`mimidiar table record`: a score and its lineage in one file."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("score_dirs", metavar="SCORE_DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--system", required=True, help="Name of the scored system, as in a table's row.")
@click.option("--set", "set_name", metavar="SET", required=True, help="Name of the scored set.")
@click.option("--protocol", help="Name of the protocol.  [default: the name of SCORE_DIR, such as collar0]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the training.")
@click.option(
    "--made-with",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Folder of a model, features, posteriors or tuned.yaml that the score depends on; repeatable. Not needed for "
    "scores of a recipe's stage.",
)
def command(score_dirs, system, set_name, protocol, seed, made_with):
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
        words = ["mimidiar", *sys.argv[1:]]
        record = make_record(score_dir, name, Place(system, set_name, seed), words, made_with)
        click.echo(f"written: {write_record(score_dir, record)}")
