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
    help="Speakers of the utterances: Kaldi's utt2spk (`utterance speaker` a line) or lhotse's supervisions.jsonl.gz.  "
    "[default: the file beside TRIALS, else the prefixes of names like id10270/... or 1034-...]",
)
@click.option(
    "--draws",
    type=click.IntRange(0, 100_000),
    default=1000,
    show_default=True,
    help="Number of bootstrap draws for the intervals; 0: no intervals.",
)
@click.option(
    "-o",
    "--out",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write DIR/score.json, DIR/det.csv (DET curve), DIR/histogram.csv (scores) and DIR/draws.csv.",
)
@click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")
def command(scores, trials, utt2spk, draws, folder, name):
    """Compute EER and minDCF of SCORES on TRIALS, with 95 % bootstrap intervals over speakers.

    \b
    SCORES  enrol test score   a line; higher is more similar; any order, scores of other pairs are ignored
    TRIALS  label enrol test   a line; label 1 or target: the same speaker, 0 or nontarget: two speakers

    The bootstrap draws speakers, not trials, since trials of one speaker are not independent. If the speakers are
    unknown, it draws trials, with a warning.

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
