"""Types and options that several commands share."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
NUMBER = click.IntRange(min=1)
DEVICE = click.Choice(["auto", "cpu", "cuda"])

overrides_argument = click.argument("overrides", nargs=-1)
sets_option = click.option("--config", required=True, type=PATH, help="YAML file of the sets to write.")
vad_option = click.option(
    "--vad",
    type=PATH,
    help="Speech activity of these recordings (extracted with --encoder vad): output far from speech is suppressed, "
    "and embeddings are taken within speech, as in `mimidiar diarize`.  [default: no speech activity]",
)
margin_option = click.option(
    "--speech-margin-sec",
    type=float,
    default=0.5,
    show_default=True,
    help="With --vad: suppress output farther than this from speech, in seconds.",
)
collar_option = click.option(
    "--collar",
    type=float,
    default=0.0,
    show_default=True,
    help="Collar in seconds on EITHER side of each reference boundary, as in md-eval and dscore.",
)
overlap_option = click.option(
    "--skip-overlap", is_flag=True, help="Do not score overlap of two or more reference speakers."
)
uem_option = click.option(
    "--uem",
    type=PATH,
    help="Scored regions: a UEM file or a folder of *.uem.  [default: the extent of reference and hypothesis together]",
)


def speaker_number_options(command):
    """--num-speakers, --min-speakers and --max-speakers, named as the arguments of `make_count`."""
    few = "; fewer if fewer are detected"
    for option, name, text in (
        ("--max-speakers", "most", "Highest number of speakers."),
        ("--min-speakers", "least", f"Lowest number of speakers{few}."),
        ("--num-speakers", "number", f"Number of speakers, if known{few}."),
    ):
        command = click.option(option, name, type=NUMBER, help=text)(command)
    return command
