"""Sets of talks, written once: what diarizers are watched and tuned on, as loud and noisy as what they train on."""

from dataclasses import dataclass, field
from pathlib import Path

from mimidiar.data.validation import require_valid
from mimidiar.errors import MimidiarError
from mimidiar.simulation.drawn_sets import WRITTEN, write_drawn
from mimidiar.simulation.mixtures import MixtureOptions, Say, Source, read_voices
from mimidiar.simulation.turn_statistics import TurnStatistics, read_statistics
from mimidiar.simulation.turn_taking import TalkOptions, draw_talk


@dataclass
class TalkSet(TalkOptions):
    """One set: the split whose speakers talk, and the seed of its talks."""

    split: str = "dev"
    seed: int = 0


@dataclass
class TalkSets:
    """The file: name -> set. The set `dev` is written to the folder `talk_dev`."""

    sets: dict[str, TalkSet] = field(default_factory=dict)


def read_talkers(folder: Path, say: Say = print) -> Source:
    """The utterances of a prepared set in which speech is marked, by speaker. Raises what `read_voices` raises."""
    return read_voices(folder, MixtureOptions(labels="speech"), say)


def write_talk_sets(config: TalkSets, turns: Path, data: Path, out: Path, say: Say = print) -> list[Path]:
    """Make every set of `config` from the prepared sets below `data`, with the turn statistics of the file `turns`;
    returns the folders `out`/talk_<name>. Raises MimidiarError for options that cannot be.
    """
    if not config.sets:
        raise MimidiarError("no talks: name at least one set below 'sets:'")
    statistics, folders = read_statistics(turns), []
    for name, options in config.sets.items():
        options.check(f"talks of set {name!r}")
        folders.append(_write(options, statistics, data, out / f"talk_{name}", say))
    require_valid(folders)
    return folders


def _write(options: TalkSet, statistics: dict[str, TurnStatistics], data: Path, folder: Path, say: Say) -> Path:
    source = read_talkers(data / options.split, say)
    talks = (draw_talk(source, options, statistics, (WRITTEN, options.seed, k)) for k in range(options.count))
    hours = write_drawn(folder, options.seed, options.count, talks, "talk") / 3600
    say(f"{folder}: {options.count} talks, {hours:.2f} h, of {len(source)} speakers")
    return folder
