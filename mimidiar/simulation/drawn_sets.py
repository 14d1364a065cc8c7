"""Sets of recordings drawn one by one from their seeds and written to disk: for validation, tuning or scoring."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from lhotse import Recording, SupervisionSegment
from tqdm import tqdm

from mimidiar.annotation.turns import Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE, write_flac
from mimidiar.data.manifests import file_recording, write_set
from mimidiar.data.validation import require_valid
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.log import log
from mimidiar.simulation.mixtures import Mixture, MixtureOptions, draw_mixture, read_mixture_source
from mimidiar.simulation.placement import Source
from mimidiar.simulation.turn_statistics import read_statistics
from mimidiar.simulation.turn_taking import ConversationOptions, DrawnConversation, draw_conversation

# First number of the seeds of written sets, not of training: the two share no recording.
WRITTEN = 2**31

Drawn = Mixture | DrawnConversation  # before it is made: its turns, and a method that makes its audio


@dataclass
class MixtureSet(MixtureOptions):
    """One set: the split of the speakers to mix, and the seed of its mixtures."""

    split: str = "test"
    seed: int = 0


@dataclass
class MixtureSets:
    """The file: name -> set. The set `test` is written to the folder `sim_test`."""

    sets: dict[str, MixtureSet] = field(default_factory=dict)


@dataclass
class DrawnConversationSet(ConversationOptions):
    """One set: the split of its speakers, and the seed of its conversations."""

    split: str = "dev"
    seed: int = 0


@dataclass
class DrawnConversationSets:
    """The file: name -> set. The set `dev` is written to the folder `talk_dev`."""

    sets: dict[str, DrawnConversationSet] = field(default_factory=dict)


def write_mixture_sets(config: MixtureSets, data: str | Path, out: str | Path) -> list[Path]:
    """Make every set of `config` from the prepared sets below `data`; returns the folders `out`/sim_<name>.

    Raises MimidiarError for impossible options, and for sets that share speakers, unless the corpus is leaky.
    """

    def draw(options: MixtureSet) -> tuple[Source, Iterator[Drawn]]:
        source = read_mixture_source(Path(data) / options.split, options)
        return source, (draw_mixture(source, options, (WRITTEN, options.seed, k)) for k in range(options.count))

    folders = _write_sets(config.sets, "mixtures", Path(out) / "sim_", draw)
    about = Path(data) / "corpus.json"
    require_valid(folders, allow_shared=about.is_file() and "leaky" in read_json(about))
    return folders


def write_conversation_sets(config: DrawnConversationSets, turns: Path, data: Path, out: Path) -> list[Path]:
    """Make every set of `config` from the prepared sets below `data`, with the turn statistics of the file `turns`;
    returns the folders `out`/talk_<name>. Raises MimidiarError for impossible options.
    """
    statistics = read_statistics(turns)

    def draw(options: DrawnConversationSet) -> tuple[Source, Iterator[Drawn]]:
        source = read_speakers(Path(data) / options.split)
        return source, (
            draw_conversation(source, options, statistics, (WRITTEN, options.seed, k)) for k in range(options.count)
        )

    folders = _write_sets(config.sets, "conversations", Path(out) / "talk_", draw)
    require_valid(folders)
    return folders


def read_speakers(folder: Path) -> Source:
    """The utterances of a prepared set in which speech is marked, by speaker. Errors as in `read_mixture_source`."""
    return read_mixture_source(folder, MixtureOptions(labels="speech"))


def _write_sets(
    sets: Mapping[str, MixtureSet | DrawnConversationSet],
    kind: str,
    prefix: Path,
    draw: Callable[[MixtureSet | DrawnConversationSet], tuple[Source, Iterable[Drawn]]],
) -> list[Path]:
    """Write each set to a folder that begins with `prefix`; `draw` makes speakers and recordings from its options."""
    if not sets:
        raise MimidiarError(f"no {kind}: name at least one set below 'sets:'")
    for name, options in sets.items():
        options.check(f"{kind} of set {name!r}")
    folders = [prefix.with_name(prefix.name + name) for name in sets]
    for folder, options in zip(folders, sets.values(), strict=True):
        source, drawn = draw(options)
        hours = write_drawn(folder, options.seed, options.count, drawn, kind.removesuffix("s")) / 3600
        log.info(f"{folder}: {options.count} {kind}, {hours:.2f} h, of {len(source)} speakers")
    return folders


def write_drawn(folder: Path, seed: int, count: int, drawn: Iterable[Drawn], unit: str) -> float:
    """Write `count` recordings named by folder, seed and number, and their manifests; returns their seconds."""
    made: dict[str, tuple[Recording, Sequence[Turn]]] = {}
    for index, each in enumerate(tqdm(drawn, desc=folder.name, total=count, unit=unit, disable=None)):
        name = f"{folder.name}-{seed}-{index:05d}"
        samples = np.round(each.samples() * 32767).astype(np.int16)
        write_flac(path := folder / "wav" / f"{name}.flac", samples)
        made[name] = file_recording(name, path, SAMPLE_RATE, len(samples)), each.turns
    write_simulated(folder, made)
    return sum(recording.duration for recording, _ in made.values())


def write_simulated(folder: Path, made: Mapping[str, tuple[Recording, Sequence[Turn]]]) -> None:
    """The manifests of a set: recordings by name, each with its turns, which are numbered."""
    supervisions = [
        SupervisionSegment(f"{name}-{number:04d}", name, turn.start, round(turn.duration, 3), speaker=turn.speaker)
        for name, (_, turns) in made.items()
        for number, turn in enumerate(turns)
    ]
    write_set(folder, [recording for recording, _ in made.values()], supervisions)
