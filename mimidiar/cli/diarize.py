"""`mimidiar diarize`: who speaks when in audio files."""

import sys
from pathlib import Path

import click

from mimidiar.cli.options import DEVICE, PATH, speaker_number_options

FORMATS = ("rttm", "srt", "textgrid", "json")


def parse_formats(ctx: click.Context, option: click.Parameter, value: str) -> list[str]:
    """The formats between commas."""
    names = list(dict.fromkeys(name.strip().lower() for name in value.split(",")))
    if unknown := [name for name in names if name not in FORMATS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(FORMATS)}")
    return names


@click.command()
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
    help="Output formats, separated by commas: rttm, srt, textgrid, json (pyannote's Annotation).",
)
@click.option("--plot", is_flag=True, help="Also draw a timeline: NAME.png.")
@click.option("--per-channel", is_flag=True, help="Diarize each channel as NAME-channel1, ...  [default: their mean]")
@click.option("--device", type=DEVICE, default="auto", show_default=True)
@click.option("--checkpoint", type=PATH, help="Codec weights, if the package does not include those of the model.")
def command(files, out, model, formats, plot, per_channel, device, checkpoint, **numbers):
    """Diarize each FILE, and write DIR/NAME.rttm and further formats. NAME is that of the audio file.

    FILE is audio of any sampling rate and number of channels, in any format of libsndfile (WAV, FLAC, OGG, MP3, ...),
    or a folder of audio files; subfolders are not searched. Speakers are spk0, spk1, ... in order of their first turn
    in each file. A recording without speech gives a file without turns. Existing files are replaced. Spaces in NAME
    become _ inside RTTM.

    A FILE that cannot be diarized is reported, and the others are diarized; the exit code is then 1.
    """
    from mimidiar.diarize.clustering import make_count
    from mimidiar.diarize.files import check_outputs, find_tasks
    from mimidiar.log import log
    from mimidiar.shipped import diarizer_file

    to_stdout = out == "-"
    if to_stdout and (formats != ["rttm"] or plot):
        raise click.UsageError("-o - writes RTTM alone; name a folder for other formats and figures")
    count = make_count(**numbers)
    tasks, failed = find_tasks(files, per_channel)
    file = diarizer_file(model)  # a wrong model is told even where no file can be diarized
    folder = None if to_stdout else Path(out)
    check_outputs(tasks, folder)
    done = run(tasks, folder, formats, plot, count, (file, device, checkpoint)) if tasks else 0
    if failed := failed + len(tasks) - done:
        log.warning(f"mimidiar: {failed} could not be diarized, {done} could")
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
