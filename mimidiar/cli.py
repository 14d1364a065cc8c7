"""The `mimidiar` command: a table of subcommands, each loaded when it is called, so that `--help` stays quick."""

import importlib
import sys

import click

from mimidiar import __version__
from mimidiar.errors import MimidiarError, os_error_text

COMMANDS = {
    "download": "Stage 0: a corpus from where it is published.",
    "prepare": "Stage 1: a corpus to manifests.",
    "validate": "Check data folders: what is wrong, and how to mend it.",
    "simulate": "Stage 2: conversations from single utterances.",
    "chain": "Stage 2: conversations for testing alone, by a Markov chain, in other rooms and noises.",
    "mix": "Stage 2: mixtures of two utterances.",
    "talk": "Stage 2: talks, as diarizers are trained on.",
    "degrade": "Stage 2: the same utterances quieter, with noise, in a room.",
    "extract": "Stage 3: features of a codec or speaker encoder to ark/scp.",
    "fuse": "Stage 3: two feature stores as one, by time.",
    "train": "Stage 4: train the adapter.",
    "codec": "Stages 4 and 5 of a small Mimi: train it, score its sound, export its weights.",
    "probe": "Stage 4: train the linear speaker probe.",
    "taps": "Stages 3 to 5 of the study of all taps of an encoder.",
    "infer": "Stage 5: posteriors of whole recordings.",
    "link": "Stage 5: windows of whole recordings put together by voice.",
    "tune": "Stage 5: choose the post-processing on a development set.",
    "decide": "Stage 5: posteriors to RTTM.",
    "codebooks": "Stage 3: codebooks for an untrained codec.",
    "drift": "Stage 5: tokens and sound of a trained codec against the frozen one.",
    "bundle": "A model and what was tuned for it as a diarizer in one file.",
    "diarize": "Who speaks when in audio files: RTTM, subtitles, TextGrid, JSON.",
    "bench": "Stage 5: diarizers side by side, ours and others', and what they cost.",
    "floor": "Stage 5: the RTTM of a system that knows nothing.",
    "score": "Stage 5: diarization error rate of RTTM against a reference.",
    "embed": "Stage 5: scores of verification trials.",
    "verify": "Stage 5: equal error rate of trial scores.",
    "ancestor-metric": "Stage 5: posteriors by the ancestor's metric, which is no error rate.",
    "ancestor-demo": "Stage 5: what that metric says of a diarizer without errors.",
    "convert": "Between RTTM, UEM, CTM, TextGrid, SRT, Audacity labels, lhotse and pyannote.",
    "record": "Stage 5: a score and all that it depends on in one file.",
    "publish": "Stage 6: records into the results that are kept.",
    "report": "Stage 6: tables of records.",
    "ship": "Weights into the package, with their record and model card.",
    "figure": "Timelines, DET curves, histograms, training curves, bars, progressions.",
}


class LazyGroup(click.Group):
    """A click group whose commands live in `mimidiar.bin.<name>.command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"mimidiar.bin.{cmd_name.replace('-', '_')}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Speaker diarization on the Mimi codec: recipe stages, and tools for RTTM and score files."""


def main() -> None:
    """Entry point: errors meant for the user, and those of files and folders, become one line and exit code 1."""
    try:
        cli()
    except MimidiarError as error:
        click.echo(f"mimidiar: error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        click.echo(f"mimidiar: error: {os_error_text(error)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
