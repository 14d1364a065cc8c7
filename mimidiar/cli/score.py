"""`mimidiar score` and `mimidiar verify`: error rates of speaker turns, and of verification trials."""

import click

from mimidiar.cli.options import COLLAR_HELP, PATH, overlap_option, path_arguments, uem_option

name_option = click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")


def out_option(files):
    return click.option("-o", "--out", "folder", metavar="DIR", type=PATH, help=f"Write {files}.")


@click.command()
@click.argument("reference", metavar="REF", type=PATH)
@click.argument("hypothesis", metavar="HYP", type=PATH)
@uem_option
@click.option(
    "--collar",
    "collars",
    type=float,
    multiple=True,
    default=[0.0],
    show_default=True,
    help=f"{COLLAR_HELP} Repeatable: each collar has a table, and its files are in DIR/collar<seconds>.",
)
@overlap_option
@click.option(
    "--keep-names",
    is_flag=True,
    help="Do not map speakers: the identification error rate, for systems that name speakers as REF does. No DER.",
)
@click.option(
    "--map-ids",
    is_flag=True,
    help="Take recordings of HYP whose ids differ by a suffix, an extension, case or a folder (wav/es2004a.wav, "
    "ES2004a) as those of REF.",
)
@click.option("--intersect", is_flag=True, help="Leave out recordings that only HYP has, such as those of another set.")
@out_option("DIR/score.json and DIR/per_recording.csv")
@name_option
def score(reference, hypothesis, uem, collars, skip_overlap, keep_names, map_ids, intersect, folder, name):
    """Score the speaker turns HYP against REF.

    Both are an RTTM file, a folder of *.rttm, or lhotse supervisions (*.jsonl, or a folder with a
    supervisions.jsonl.gz); they and the UEM may be compressed (*.gz). The table has a row for each recording, for each
    number of speakers and for the total: DER with its parts, JER, missed and false alarm speech, overlap detection, and
    the detected number of speakers.

    The total is total error time over total reference speaker time. Recordings missing from HYP count as missed
    speech; recordings missing from REF are refused (--map-ids, --intersect). Overlapping turns of one speaker are
    merged; turns of no length or without a speaker are passed over, and channels ignored, with a warning.

    \b
    All conventions, and how md-eval and dscore differ: python -m pydoc mimidiar.score.diarization
    Fields of score.json and per_recording.csv:         python -m pydoc mimidiar.score.from_files
    """
    from mimidiar.score import from_files, table
    from mimidiar.score.diarization import Protocol
    from mimidiar.score.recordings import Matching

    protocols = [Protocol(collar, skip_overlap, keep_names) for collar in dict.fromkeys(collars)]
    inputs = from_files.read_inputs(reference, hypothesis, uem, Matching(map_ids, intersect))
    told: set[str] = set()
    for protocol in protocols:
        found, document = from_files.score_inputs(inputs, protocol, name)
        tell([text for text in document["warnings"] if text not in told], table.diarization_table(found, document))
        told |= set(document["warnings"])
        if folder:
            own = folder / f"collar{protocol.collar:g}" if len(protocols) > 1 else folder
            tell_files(own, from_files.write_score(own, found, document))


@click.command()
@path_arguments("scores", "trials")
@click.option(
    "--utt2spk",
    metavar="FILE",
    type=PATH,
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
@out_option("DIR/score.json, DIR/det.csv (DET curve), DIR/histogram.csv (scores) and DIR/draws.csv")
@name_option
def verify(scores, trials, utt2spk, draws, folder, name):
    """Compute EER and minDCF of SCORES on TRIALS, with 95 % bootstrap intervals over speakers.

    \b
    SCORES  enrol test score   a line; higher is more similar; any order, scores of other pairs are ignored
    TRIALS  label enrol test   a line, or Kaldi's enrol test label; label 1 or target: the same speaker, 0 or
            nontarget: two speakers

    The bootstrap draws speakers, not trials, since trials of one speaker are not independent. If the speakers are
    unknown, it draws trials, with a warning.

    \b
    mimidiar verify scores veri_test2.txt -o exp/verify
    """
    from mimidiar.score import table, verify_files

    result = verify_files.verify_files(scores, trials, name, utt2spk, draws)
    tell(result.document["warnings"], table.verification_table(result.document))
    if folder:
        tell_files(folder, verify_files.write_verification(folder, result))


def tell(warnings, table):
    """The warnings of a score, and its table."""
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(table)


def tell_files(folder, names):
    click.echo("written: " + ", ".join(str(folder / name) for name in names))
