"""`mimidiar diarize`: who speaks when in audio files."""

import sys
from pathlib import Path

import click

from mimidiar.cli.options import DEVICE, NUMBER, PATH, speaker_number_options

FORMATS = ("rttm", "srt", "vtt", "textgrid", "json")
CHANNELS = ("separate", "merged")


def parse_formats(ctx: click.Context, option: click.Parameter, value: str) -> list[str]:
    """The formats between commas."""
    names = list(dict.fromkeys(name.strip().lower() for name in value.split(",")))
    if unknown := [name for name in names if name not in FORMATS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(FORMATS)}")
    return names


class DiarizeCommand(click.Command):
    """`--per-channel` alone stands for `--per-channel separate`, also before a file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click."""
        for at, each in enumerate(args):
            if each == "--per-channel" and args[at + 1 : at + 2] not in ([kind] for kind in CHANNELS):
                args[at] = "--per-channel=separate"
        return super().parse_args(ctx, args)


@click.command(cls=DiarizeCommand)
@click.argument("files", metavar="FILE...", type=PATH, nargs=-1, required=True)
@click.option(
    "-o", "--out", metavar="DIR", default=".", help="Output folder; - writes RTTM to standard output.  [default: .]"
)
@click.option(
    "--model", default="mini-fusion", show_default=True, help="Name of a model, or a file of `mimidiar model bundle`."
)
@speaker_number_options
@click.option(
    "--format",
    "formats",
    default="rttm",
    show_default=True,
    callback=parse_formats,
    help="Output formats, separated by commas: rttm, srt, vtt, textgrid, json (pyannote's Annotation).",
)
@click.option("--plot", is_flag=True, help="Also draw a timeline: NAME.png.")
@click.option(
    "--per-channel",
    metavar="[separate|merged]",
    type=click.Choice(CHANNELS),
    help="Diarize each channel, as NAME-channel1, ... (separate: also without a word behind the option); or as one "
    "speaker of NAME, without the crosstalk of the others (merged: for calls; spk0 is channel 1).  [default: the mean]",
)
@click.option(
    "--audio-stream", metavar="N", type=NUMBER, help="Audio stream of a container with several, from 1.  [default: 1]"
)
@click.option("--device", type=DEVICE, default="auto", show_default=True)
@click.option("--checkpoint", type=PATH, help="Codec weights, if the package does not include those of the model.")
def command(files, out, formats, plot, per_channel, audio_stream, model, device, checkpoint, **numbers):
    """Diarize each FILE, and write DIR/NAME.rttm and further formats. NAME is that of the audio file.

    FILE is audio of any sampling rate and number of channels, in any format of libsndfile or FFmpeg (WAV, FLAC, MP3,
    M4A, OGG, Opus, WMA, AMR, ...), a video with sound (MP4, MOV, MKV, WebM), or a folder of such; subfolders are not
    searched. Speakers are spk0, spk1, ... in order of their first turn in each file. A recording without speech gives a
    file without turns. Existing files are replaced. Spaces in NAME become _ inside RTTM.

    A FILE that cannot be diarized is reported, and the others are diarized. Exit codes: 0, all were; 1, some were not;
    2, a wrong call. The last line counts failures and warnings, where there are any.
    """
    from mimidiar.annotation.text_file import many
    from mimidiar.diarize.clustering import ANY_NUMBER, make_count
    from mimidiar.diarize.files import find_tasks
    from mimidiar.log import WarningCount, log
    from mimidiar.shipped import diarizer_file

    to_stdout = out == "-"
    if to_stdout and (formats != ["rttm"] or plot):
        raise click.UsageError("-o - writes RTTM alone; name a folder for other formats and figures")
    count, folder = make_count(**numbers), None if to_stdout else Path(out)
    if per_channel == "merged" and count != ANY_NUMBER:
        raise click.UsageError("--per-channel merged makes each channel one speaker: leave out their number")
    with WarningCount() as warned:
        tasks, failed = find_tasks(files, folder, per_channel, audio_stream)
        file = diarizer_file(model)  # a wrong model is told even where no file can be diarized
        done = run(tasks, folder, formats, plot, count, (file, device, checkpoint)) if tasks else 0
    failed += len(tasks) - done
    if failed or warned.number:
        log.info(f"mimidiar: {done} diarized, {failed} could not be, {many(warned.number, 'warning')}")
    if failed:
        sys.exit(1)


def run(tasks, folder, formats, plot, count, loading) -> int:
    """Load the diarizer, which takes two seconds, and do the tasks; returns how many were done."""
    from mimidiar.diarize.files import diarize_tasks, rttm_text, write_outputs
    from mimidiar.diarize.pretrained import Diarizer
    from mimidiar.files import make_folder
    from mimidiar.torch_setup import use_one_thread

    use_one_thread()
    diarizer = Diarizer.from_pretrained(*loading)
    if folder is not None:
        make_folder(folder)

    def write(found) -> str:
        if folder is None:
            tell(rttm_text(found), sys.stdout, end="")
            return found.recording.name
        first, *more = write_outputs(found, folder, formats, plot)
        return ", ".join([str(first), *(file.suffix for file in more)])

    done = 0
    for line in diarize_tasks(diarizer, tasks, count, write):
        if line is not None:
            tell(line, sys.stderr if folder is None else sys.stdout)
            done += 1
    return done


def tell(text: str, stream, end: str = "\n") -> None:
    """Print without breaking a progress bar."""
    from tqdm import tqdm

    tqdm.write(text, file=stream, end=end)
