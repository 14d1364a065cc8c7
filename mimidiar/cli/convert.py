"""`mimidiar convert`: from one annotation format to another."""

import click

from mimidiar.cli.options import PATH


def print_formats(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the table of formats and leave."""
    if wanted:
        from mimidiar.annotation.formats import table

        click.echo(table())
        ctx.exit()


@click.command()
@click.argument("source", type=PATH)
@click.argument("target")
@click.option("--from", "source_format", metavar="FORMAT", help="Format of SOURCE.  [default: by suffix and content]")
@click.option("--to", "target_format", metavar="FORMAT", help="Format of TARGET.  [default: by its suffix]")
@click.option(
    "--recording",
    metavar="NAME",
    help="Convert this recording only; or name the recording of a SOURCE file that has no name in it.",
)
@click.option(
    "--pause",
    "pause_sec",
    metavar="SEC",
    type=float,
    help="For CTM: longest pause between words of one turn, in seconds.  [default: 0.3]",
)
@click.option(
    "--unnamed",
    metavar="NAME",
    help="Speaker of the cues, segments, labels or turns that name none.  [default: they are passed over]",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_formats,
    help="Print the formats and their limits.",
)
def command(source, target, source_format, target_format, recording, pause_sec, unnamed):
    """Convert the annotation SOURCE to TARGET, and list the information that TARGET cannot hold.

    Formats: rttm, uem, ctm, stm, supervisions (lhotse), pyannote, whisper, seglst (three kinds of JSON), textgrid
    (Praat), audacity (labels), srt, vtt. SOURCE and TARGET are files, or folders with one file for each recording.
    TARGET is a folder if it exists as one, ends in / or has no suffix; it then needs --to. A .json is written as
    pyannote unless --to says otherwise. TextGrid, label, subtitle and whisper files contain one recording, named like
    the file. Turns of no length are passed over, and so are those without a speaker unless --unnamed names one.

    Overlapping turns of one speaker are merged. Transcripts are kept if both formats can hold them. SRT cues and labels
    are 'speaker: text'. A CTM contains words instead of turns: words with short pauses are read as one turn, and turns
    without word times are not written. A UEM is written from the first to the last turn of each recording. UEM regions
    are read as turns of a speaker 'scored'; turns of this speaker alone are written as regions.
    """
    from mimidiar.annotation.convert import Options, convert

    click.echo(convert(source, target, Options(source_format, target_format, recording, pause_sec, unnamed)))
