"""Sets of mixtures, written once: what training is watched on, and what is scored."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from lhotse import Recording, SupervisionSegment
from tqdm import tqdm

from mimidiar.corpora.audio import SAMPLE_RATE, write_flac
from mimidiar.corpora.manifests import file_recording, write_set
from mimidiar.corpora.validate import require_valid
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.simulate.mixtures import Mixture, MixtureOptions, Say, draw_mixture, read_voices

# Seeds of written sets begin with it and those of training do not: no mixture of the one is one of the other.
WRITTEN = 2**31


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
    recordings, supervisions, seconds = [], [], 0.0
    for index in tqdm(range(options.count), desc=folder.name, unit="mixture", disable=None):
        mixture = draw_mixture(source, options, (WRITTEN, options.seed, index))
        mixture_id = f"{folder.name}-{options.seed}-{index:05d}"
        recordings.append(_write_audio(folder / "wav" / f"{mixture_id}.flac", mixture_id, mixture))
        seconds += recordings[-1].duration
        for number, (start, end, speaker) in enumerate(mixture.turns):
            turn_id, length = f"{mixture_id}-{number:04d}", round(end - start, 3)
            supervisions.append(SupervisionSegment(turn_id, mixture_id, start, length, speaker=speaker))
    write_set(folder, recordings, supervisions)
    say(f"{folder}: {len(recordings)} mixtures, {seconds / 3600:.2f} h, of {len(source)} speakers ({options.labels})")
    return folder


def _write_audio(path: Path, mixture_id: str, mixture: Mixture) -> Recording:
    samples = np.round(mixture.samples() * 32767).astype(np.int16)
    write_flac(path, samples)
    return file_recording(mixture_id, path, SAMPLE_RATE, len(samples))
