"""`mimidiar score`: diarization error rate of speaker turns, and what goes with it."""

from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("reference", metavar="REF", type=click.Path(path_type=Path))
@click.argument("hypothesis", metavar="HYP", type=click.Path(path_type=Path))
@click.option(
    "--uem",
    type=click.Path(path_type=Path),
    help="What is scored: a UEM file or a folder of *.uem. Without "
    "one, each recording is scored over the extent of its reference and hypothesis together.",
)
@click.option(
    "--collar",
    type=float,
    default=0.0,
    show_default=True,
    help="Seconds on EITHER side of each reference border that are not scored (md-eval's and dscore's meaning).",
)
@click.option("--skip-overlap", is_flag=True, help="Leave out where two or more reference speakers talk at once.")
@click.option(
    "-o",
    "--out",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write DIR/score.json and DIR/per_recording.csv.",
)
@click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")
def command(reference, hypothesis, uem, collar, skip_overlap, folder, name):
    """Score the speaker turns HYP against REF.

    Either is an RTTM file, a folder of *.rttm, or lhotse supervisions (*.jsonl, or a folder with a
    supervisions.jsonl.gz); all of them, and the UEM, may be packed by gzip (*.gz). Printed for each recording, each
    number of speakers and in total: DER with its parts, JER, missed and false alarm speech, detection of overlap, and
    how many speakers were found.

    Total = total error time over total reference speaker time. Recordings missing from HYP count as all missed;
    recordings that only HYP has are refused. Overlapping turns of one speaker are merged, turns of no length passed
    over.

    \b
    All conventions, and how md-eval and dscore differ: python -m pydoc mimidiar.score.diarization
    What score.json and per_recording.csv hold:         python -m pydoc mimidiar.score.from_files
    """
    from mimidiar.score import from_files, score_file, table
    from mimidiar.score.diarization import Protocol

    score, document = from_files.score_files(reference, hypothesis, uem, Protocol(collar, skip_overlap), name)
    for warning in score.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(table.diarization_table(score, document))
    if folder:
        from_files.write_score(folder, score, document)
        click.echo(score_file.written(folder, score_file.SCORE_FILE, from_files.RECORDINGS_FILE))
