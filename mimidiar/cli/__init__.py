"""The `mimidiar` command: tables of subcommands, each loaded when it is called, so that `--help` stays quick."""

import importlib
import sys
from typing import Any

import click

from mimidiar import __version__
from mimidiar.errors import MimidiarError, meant, os_error_text
from mimidiar.log import log_to_stderr

SETTINGS = {"help_option_names": ["-h", "--help"]}

# Name -> (module that has the click command `command`, or the name after a colon; one line of help).
USERS = {
    "diarize": ("cli.diarize", "Diarize audio and video files: RTTM, subtitles, TextGrid, JSON."),
    "score": ("cli.score:score", "Score RTTM against a reference: DER, JER, speaker counts."),
    "verify": ("cli.score:verify", "Score verification trials: EER and minDCF."),
    "convert": (
        "cli.convert",
        "Convert between RTTM, CTM, STM, TextGrid, SRT, WebVTT, whisperX, lhotse, pyannote, ...",
    ),
    "figure": ("cli.figure", "Draw timelines, DET curves, histograms, training curves, bars, progressions."),
    "report": ("cli.report:report", "Make tables of result records."),
    "train": ("cli.train", "Stage 4: train a diarization model."),
    "train-branch": ("cli.branch", "Stage 4: train a speaker branch beside a codec."),
}
# Group -> (one line of help, its commands).
GROUPS = {
    "data": (
        "Stages 0 to 2: corpora and simulated conversations.",
        {
            "download": ("cli.data:download", "Stage 0: download a corpus."),
            "prepare": ("cli.data:prepare", "Stage 1: write the manifests of a corpus."),
            "new": ("cli.data:new", "Write the skeleton of a new dataset: corpus file, test and recipe."),
            "validate": ("cli.data:validate", "Check data folders, and name each error and its fix."),
            "turn-sequences": ("cli.data:turn_sequences", "Stage 1: write the turns of real conversations as RTTM."),
            "simulate": ("cli.data:simulate", "Stage 2: simulate conversations with NeMo's simulator."),
            "simulate-turns": ("cli.data:from_turns", "Stage 2: simulate conversations with a model of turn-taking."),
            "mix": ("cli.data:mix", "Stage 2: mix utterances of two speakers."),
            "degrade": ("cli.data:degrade", "Stage 2: degrade utterances: level, noise, reverberation."),
        },
    ),
    "feats": (
        "Stage 3: features.",
        {
            "extract": ("cli.feats:extract", "Extract features of a codec or speaker encoder to ark/scp."),
            "fuse": ("cli.feats:fuse", "Concatenate two feature stores, aligned in time."),
        },
    ),
    "model": (
        "Export of trained models.",
        {
            "bundle": ("cli.model:bundle", "Write a diarizer in one file: a model and its tuned settings."),
            "ship": ("cli.model:ship", "Put weights into the package, with record and model card."),
        },
    ),
    "eval": (
        "Stage 5: inference, post-processing, baselines.",
        {
            "infer": ("cli.eval:infer", "Predict the posteriors of whole recordings."),
            "cluster": ("cli.eval:cluster", "Cluster window-level speakers across a recording (EEND-VC)."),
            "tune": ("cli.eval:tune", "Tune the post-processing on a development set."),
            "binarize": ("cli.eval:binarize", "Binarize posteriors: write RTTM."),
            "baseline": ("cli.eval:baseline", "Write the RTTM of a trivial baseline."),
        },
    ),
    "table": (
        "Stages 5 and 6: result records.",
        {
            "record": ("cli.report:record", "Write a score and its lineage as one record."),
            "publish": ("cli.report:publish", "Copy records into the versioned results."),
        },
    ),
    "study": (
        "Experiments of the paper.",
        {
            "taps": ("studies.taps.command", "Compare the speaker information in all taps of an encoder."),
            "probe": ("studies.taps.command:probe_of_one_tap", "Train a linear speaker probe."),
            "embed": ("studies.taps.command:embed", "Score verification trials by cosine similarity."),
            "codec": (
                "studies.codec_training.command",
                "Train a small Mimi, score its reconstruction, export its weights.",
            ),
            "codebooks": ("studies.token_drift.command:codebooks", "Fit the codebooks of an untrained codec."),
            "drift": (
                "studies.token_drift.command",
                "Compare tokens and reconstruction of a trained codec with the frozen one.",
            ),
            "original-metric": (
                "studies.original_metric.command",
                "Score posteriors by the metric of the original study (not an error rate).",
            ),
            "original-metric-demo": (
                "studies.original_metric.command:demo",
                "Score an oracle diarizer by the metric of the original study.",
            ),
            "unseen-simulator": (
                "studies.unseen_simulator.command",
                "Simulate test conversations by a Markov chain, in unseen rooms and noises.",
            ),
            "pairs": ("studies.pairs.command", "Compare the speaker information in short windows, by pairs of them."),
            "replay": (
                "studies.unseen_simulator.command:replay",
                "Simulate test conversations that follow the turns of real ones.",
            ),
            "bench": ("studies.bench.command", "Compare diarizers, ours and others', by error rate and cost."),
        },
    ),
}
# Names of commands in committed records -> their names now; not shown in --help.
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
        """`hidden`: further names -> places of commands; --help leaves them out."""
        super().__init__(**options)
        self.table, self.hidden = table, hidden or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.table, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        place = self.table[cmd_name][0] if cmd_name in self.table else self.hidden.get(cmd_name, "")
        module, _, name = place.partition(":")
        return getattr(importlib.import_module(f"mimidiar.{module}"), name or "command") if module else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; an error about an unknown name suggests the nearest one."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            known = [*self.list_commands(ctx), *self.hidden]
            ctx.fail(f"no such command '{name}'{meant(name, known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.table:
            with formatter.section("Commands"):
                formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])
        if self.commands:
            with formatter.section("Groups"):
                formatter.write_dl([(name, group.short_help or "") for name, group in self.commands.items()])


def _hidden() -> dict[str, str]:
    """The commands of all groups by their names alone: their names before there were groups."""
    now = {name: module for _, table in GROUPS.values() for name, (module, _) in table.items()}
    return now | {old: now[name] for old, name in OLD_NAMES.items()}


@click.group(cls=LazyGroup, table=USERS, hidden=_hidden(), context_settings=SETTINGS)
@click.version_option(__version__)
def cli() -> None:
    """Speaker diarization on the Mimi codec: tools for recordings and label files, and the stages of recipes.

    Exit codes: 0, all was done; 1, something could not be done, as the message says; 2, the call is wrong.
    """
    log_to_stderr()


for _name, (_help, _table) in GROUPS.items():
    cli.add_command(LazyGroup(_table, name=_name, help=_help, short_help=_help, context_settings=SETTINGS))


def main() -> None:
    """Entry point. Errors for the user, and those of files and folders, become one line and exit code 1."""
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
