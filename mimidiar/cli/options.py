"""Options that several commands share."""

from pathlib import Path

import click

vad_option = click.option(
    "--vad",
    type=click.Path(path_type=Path),
    help="Speech activity of these recordings (extracted with --encoder vad): farther from speech nobody speaks, and "
    "embeddings count in speech alone, as in `mimidiar diarize`.  [default: no use of speech activity]",
)
margin_option = click.option(
    "--speech-margin-sec",
    type=float,
    default=0.5,
    show_default=True,
    help="With --vad: how far from speech, in seconds.",
)
