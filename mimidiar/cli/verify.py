"""`mimidiar verify`: equal error rate of trial scores."""

from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scores", metavar="SCORES", type=click.Path(path_type=Path))
@click.argument("trials", metavar="TRIALS", type=click.Path(path_type=Path))
@click.option(
    "--utt2spk",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Who speaks: Kaldi's utt2spk (`utterance speaker` a line) or lhotse's supervisions.jsonl.gz.  [default: the "
    "one beside TRIALS, else what the names begin with, as id10270/... or 1034-...]",
)
@click.option(
    "--draws",
    type=click.IntRange(0, 100_000),
    default=1000,
    show_default=True,
    help="Draws of speakers for the intervals; 0: none.",
)
@click.option(
    "-o",
    "--out",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write DIR/score.json, DIR/det.csv (the DET curve), DIR/histogram.csv (of the scores) and DIR/draws.csv.",
)
@click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")
def command(scores, trials, utt2spk, draws, folder, name):
    """EER and minDCF of SCORES on TRIALS, with 95 % bootstrap intervals over speakers.

    \b
    SCORES  enrol test score   a line; higher is more alike; any order, scores of other pairs are passed over
    TRIALS  label enrol test   a line; label 1 or target: the same speaker, 0 or nontarget: two speakers

    The intervals say what the figures would be with other speakers: whole speakers are drawn, not trials, since trials
    of one speaker are not independent. Where nobody says who speaks, single trials are drawn, with a warning.

    \b
    mimidiar verify scores veri_test2.txt -o exp/verify
    """
    from mimidiar.score import score_file, table, verify_files

    result = verify_files.verify_files(scores, trials, name, utt2spk, draws)
    for warning in result.document["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    click.echo(table.verification_table(result.document))
    if folder:
        verify_files.write_verification(folder, result)
        names = score_file.SCORE_FILE, verify_files.DET_FILE, verify_files.HISTOGRAM_FILE, verify_files.DRAWS_FILE
        click.echo(score_file.written(folder, *names))
