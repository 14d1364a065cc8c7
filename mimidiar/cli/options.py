"""Types, arguments and options that several commands share."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
NUMBER = click.IntRange(min=1)
DEVICE = click.Choice(["auto", "cpu", "cuda"])


def together(*declarations):
    """Several arguments or options declared as one, in this order."""

    def declare(command):
        for each in reversed(declarations):
            command = each(command)
        return command

    return declare


def path_arguments(*names, kind=PATH):
    """Arguments that are paths, in this order."""
    return together(*(click.argument(name, type=kind) for name in names))


overrides_argument = click.argument("overrides", nargs=-1)
sets_option = click.option("--config", required=True, type=PATH, help="YAML file of the sets to write.")
gate_options = together(
    click.option(
        "--vad",
        type=PATH,
        help="Speech activity of these recordings (extracted with --encoder vad): output far from speech is "
        "suppressed, and embeddings are taken within speech, as in `mimidiar diarize`.  [default: no speech activity]",
    ),
    click.option(
        "--speech-margin-sec",
        type=float,
        default=0.5,
        show_default=True,
        help="With --vad: suppress output farther than this from speech, in seconds.",
    ),
)
speaker_number_options = together(  # named as the arguments of `make_count`
    click.option(
        "--num-speakers", "number", type=NUMBER, help="Number of speakers, if known; fewer if fewer are detected."
    ),
    click.option(
        "--min-speakers", "least", type=NUMBER, help="Lowest number of speakers; fewer if fewer are detected."
    ),
    click.option("--max-speakers", "most", type=NUMBER, help="Highest number of speakers."),
)
uem_option = click.option(
    "--uem",
    type=PATH,
    help="Scored regions: a UEM file or a folder of *.uem.  [default: the extent of reference and hypothesis together]",
)
overlap_option = click.option(
    "--skip-overlap", is_flag=True, help="Do not score overlap of two or more reference speakers."
)
COLLAR_HELP = "Collar in seconds on EITHER side of each reference boundary, as in md-eval and dscore."
collar_option = click.option("--collar", type=float, default=0.0, show_default=True, help=COLLAR_HELP)
protocol_options = together(uem_option, collar_option, overlap_option)
