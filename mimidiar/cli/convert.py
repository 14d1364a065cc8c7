"""`mimidiar convert`: from one annotation format to another."""

from pathlib import Path

import click


def print_formats(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the table of formats and leave."""
    if wanted:
        from mimidiar.annotation.formats import table

        click.echo(table())
        ctx.exit()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target")
@click.option("--from", "source_format", metavar="FORMAT", help="Format of SOURCE, where its suffix does not tell.")
@click.option("--to", "target_format", metavar="FORMAT", help="Format of TARGET, where its suffix does not tell.")
@click.option(
    "--recording",
    metavar="NAME",
    help="Convert this recording alone; where the one file SOURCE does not name its recording, the name to give it.",
)
@click.option(
    "--pause",
    "pause_sec",
    metavar="SEC",
    type=float,
    help="From CTM: the longest pause in seconds between words of one turn.  [default: 0.3]",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_formats,
    help="Print the formats, what each holds and what it cannot.",
)
def command(source, target, source_format, target_format, recording, pause_sec):
    """Write the annotation SOURCE as TARGET, and say what TARGET cannot hold.

    Formats: rttm, uem, ctm, supervisions (lhotse), pyannote (JSON), textgrid (Praat), audacity (labels), srt; the
    suffix tells which. SOURCE and TARGET are files, or folders with a file for each recording; a TARGET that exists as
    a folder, ends in / or has no suffix is one, and needs --to. TextGrid, label and SRT files hold one recording, named
    like the file.

    Overlapping turns of one speaker become one. What is said stays with the turns where both formats hold it. A CTM has
    words instead of turns: read, words with short pauses are one turn; written, turns without word times are left out.
    To UEM goes the extent of each recording, from its first to its last turn; regions from a UEM are turns of a speaker
    'scored', and turns of a speaker of that name alone become regions again. SRT cues and labels are 'speaker: text'.
    """
    from mimidiar.annotation.convert import Options, convert

    click.echo(convert(source, target, Options(source_format, target_format, recording, pause_sec)))
