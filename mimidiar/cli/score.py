"""`mimidiar score`: diarization error rate and other metrics of speaker turns."""

from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("reference", metavar="REF", type=click.Path(path_type=Path))
@click.argument("hypothesis", metavar="HYP", type=click.Path(path_type=Path))
@click.option(
    "--uem",
    type=click.Path(path_type=Path),
    help="Scored regions: a UEM file or a folder of *.uem.  [default: the extent of reference and hypothesis together]",
)
@click.option(
    "--collar",
    type=float,
    default=0.0,
    show_default=True,
    help="Collar in seconds on EITHER side of each reference boundary, as in md-eval and dscore.",
)
@click.option("--skip-overlap", is_flag=True, help="Do not score overlap of two or more reference speakers.")
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

    Both are an RTTM file, a folder of *.rttm, or lhotse supervisions (*.jsonl, or a folder with a
    supervisions.jsonl.gz); they and the UEM may be compressed (*.gz). The table has a row for each recording, for each
    number of speakers and for the total: DER with its parts, JER, missed and false alarm speech, overlap detection, and
    the detected number of speakers.

    The total is total error time over total reference speaker time. Recordings missing from HYP count as missed
    speech; recordings missing from REF are refused. Overlapping turns of one speaker are merged, and turns of no length
    are ignored.

    \b
    All conventions, and how md-eval and dscore differ: python -m pydoc mimidiar.score.diarization
    Fields of score.json and per_recording.csv:         python -m pydoc mimidiar.score.from_files
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
