"""Sets of mixtures, written once: what training is watched on, and what is scored."""

from dataclasses import dataclass, field
from pathlib import Path

from mimidiar.data.validation import require_valid
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.simulation.drawn_sets import WRITTEN, write_drawn
from mimidiar.simulation.mixtures import MixtureOptions, Say, draw_mixture, read_voices


@dataclass
class MixtureSet(MixtureOptions):
    """One set: the split whose speakers are mixed, and the seed of its mixtures."""

    split: str = "test"
    seed: int = 0


@dataclass
class MixtureSets:
    """The file: name -> set. The set `test` is written to the folder `sim_test`."""

    sets: dict[str, MixtureSet] = field(default_factory=dict)


def write_mixture_sets(config: MixtureSets, data: str | Path, out: str | Path, say: Say = print) -> list[Path]:
    """Make every set of `config` from the prepared sets below `data`; returns the folders `out`/sim_<name>.

    Raises MimidiarError for options that cannot be, and for sets that share speakers, unless the corpus is leaky.
    """
    if not config.sets:
        raise MimidiarError("no mixtures: name at least one set below 'sets:'")
    for name, options in config.sets.items():
        options.check(f"mixtures of set {name!r}")
    folders = [
        _write(name, options, Path(data), Path(out) / f"sim_{name}", say) for name, options in config.sets.items()
    ]
    about = Path(data) / "corpus.json"
    require_valid(folders, allow_shared=about.is_file() and "leaky" in read_json(about))
    return folders


def _write(name: str, options: MixtureSet, data: Path, folder: Path, say: Say) -> Path:
    source = read_voices(data / options.split, options, say)
    mixtures = (draw_mixture(source, options, (WRITTEN, options.seed, index)) for index in range(options.count))
    hours = write_drawn(folder, options.seed, options.count, mixtures, "mixture") / 3600
    say(f"{folder}: {options.count} mixtures, {hours:.2f} h, of {len(source)} speakers ({options.labels})")
    return folder
