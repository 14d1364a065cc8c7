"""The `mimidiar` command: tables of subcommands, each loaded when it is called, so that `--help` stays quick."""

import difflib
import importlib
import sys
from typing import Any

import click

from mimidiar import __version__
from mimidiar.errors import MimidiarError, os_error_text
from mimidiar.log import log_to_stderr

SETTINGS = {"help_option_names": ["-h", "--help"]}

# Name -> (module that has the click command `command`, one line of help).
USERS = {
    "diarize": ("cli.diarize", "Who speaks when in audio files: RTTM, subtitles, TextGrid, JSON."),
    "score": ("cli.score", "Diarization error rate of RTTM against a reference."),
    "verify": ("cli.verify", "Equal error rate of the scores of verification trials."),
    "convert": ("cli.convert", "Between RTTM, UEM, CTM, TextGrid, SRT, Audacity labels, lhotse and pyannote."),
    "figure": ("cli.figure", "Timelines, DET curves, histograms, training curves, bars, progressions."),
    "report": ("cli.report", "Tables of records."),
    "train": ("cli.train", "Train the adapter."),
}
# Group -> (one line of help, its commands).
GROUPS = {
    "data": (
        "Stages 0 to 2: corpora and simulated conversations.",
        {
            "download": ("cli.download", "Stage 0: a corpus from where it is published."),
            "prepare": ("cli.prepare", "Stage 1: a corpus to manifests."),
            "new": ("cli.new", "The skeleton of a new dataset: its file, a test and a recipe."),
            "validate": ("cli.validate", "Check data folders: what is wrong, and how to mend it."),
            "simulate": ("cli.simulate", "Stage 2: simulate conversations with NeMo's simulator."),
            "simulate-turns": ("cli.simulate_turns", "Stage 2: simulate conversations with a model of turn-taking."),
            "mix": ("cli.mix", "Stage 2: mixtures of two utterances."),
            "degrade": ("cli.degrade", "Stage 2: the same utterances quieter, with noise, in a room."),
        },
    ),
    "feats": (
        "Stage 3: features.",
        {
            "extract": ("cli.extract", "Features of a codec or speaker encoder to ark/scp."),
            "fuse": ("cli.fuse", "Two feature stores as one, by time."),
        },
    ),
    "model": (
        "Models as files that others can use.",
        {
            "bundle": ("cli.bundle", "A model and what was tuned for it as a diarizer in one file."),
            "ship": ("cli.ship", "Weights into the package, with their record and model card."),
        },
    ),
    "eval": (
        "Stage 5: inference, post-processing, baselines.",
        {
            "infer": ("cli.infer", "Posteriors of whole recordings."),
            "cluster": ("cli.cluster", "Window-level speakers clustered across a recording (EEND-VC)."),
            "tune": ("cli.tune", "Choose the post-processing on a development set."),
            "binarize": ("cli.binarize", "Posteriors to RTTM."),
            "baseline": ("cli.baseline", "The RTTM of a trivial baseline."),
        },
    ),
    "table": (
        "Stages 5 and 6: records of scores.",
        {
            "record": ("cli.record", "A score and all that it depends on in one file."),
            "publish": ("cli.publish", "Records into the results that are kept."),
        },
    ),
    "study": (
        "Questions of the paper, each with commands of its own.",
        {
            "taps": ("studies.taps.command", "All taps of an encoder: which of them knows the speaker?"),
            "probe": ("studies.taps.probe_command", "Train a linear speaker probe."),
            "embed": ("studies.taps.embed_command", "Scores of verification trials."),
            "codec": ("studies.codec_training.command", "A small Mimi: train it, score its sound, export its weights."),
            "codebooks": ("studies.token_drift.codebooks_command", "Codebooks for an untrained codec."),
            "drift": ("studies.token_drift.command", "Tokens and sound of a trained codec against the frozen one."),
            "original-metric": (
                "studies.original_metric.command",
                "Posteriors by the metric of the original study, which is no error rate.",
            ),
            "original-metric-demo": (
                "studies.original_metric.demo_command",
                "A diarizer without errors by the metric of the original study.",
            ),
            "unseen-simulator": (
                "studies.unseen_simulator.command",
                "Conversations for testing alone, by a Markov chain, in other rooms and noises.",
            ),
            "bench": ("studies.bench.command", "Diarizers side by side, ours and others', and what they cost."),
        },
    ),
}
# Names that committed records call commands by, and what they are called now; not shown in --help.
OLD_NAMES = {
    "talk": "simulate-turns",
    "link": "cluster",
    "decide": "binarize",
    "floor": "baseline",
    "chain": "unseen-simulator",
    "ancestor-metric": "original-metric",
    "ancestor-demo": "original-metric-demo",
}


class LazyGroup(click.Group):
    """A click group of a table of commands, whose modules are imported when they are called."""

    def __init__(self, table: dict[str, tuple[str, str]], hidden: dict[str, str] | None = None, **options: Any):
        """`hidden`: further names -> modules, which no help shows."""
        super().__init__(**options)
        self.table, self.hidden = table, hidden or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.table, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        module = self.table[cmd_name][0] if cmd_name in self.table else self.hidden.get(cmd_name)
        return importlib.import_module(f"mimidiar.{module}").command if module else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; of an unknown name the nearest one is told."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            known = [*self.list_commands(ctx), *self.hidden]
            near = difflib.get_close_matches(name, known, n=1)
            ctx.fail(f"no such command '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.table:
            with formatter.section("Commands"):
                formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])
        if self.commands:
            with formatter.section("Groups"):
                formatter.write_dl([(name, group.short_help or "") for name, group in self.commands.items()])


def _hidden() -> dict[str, str]:
    """The commands of all groups by their names alone, as they were called before there were groups."""
    now = {name: module for _, table in GROUPS.values() for name, (module, _) in table.items()}
    return now | {old: now[name] for old, name in OLD_NAMES.items()}


@click.group(cls=LazyGroup, table=USERS, hidden=_hidden(), context_settings=SETTINGS)
@click.version_option(__version__)
def cli() -> None:
    """Speaker diarization on the Mimi codec: tools for recordings and label files, and the stages of recipes."""
    log_to_stderr()


for _name, (_help, _table) in GROUPS.items():
    cli.add_command(LazyGroup(_table, name=_name, help=_help, short_help=_help, context_settings=SETTINGS))


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
