"""Options that several commands share."""

from pathlib import Path

import click

vad_option = click.option(
    "--vad",
    type=click.Path(path_type=Path),
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
