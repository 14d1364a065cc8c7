"""The same utterances made worse: quieter, with noise, in a room; for trials of clean enrollment and degraded test.

Noise and room depend on the seed, the condition and the utterance's name alone, so that jobs and resumed runs give the
same audio, and two conditions of one kind use different noise.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mimidiar.audio.corpus_audio import SAMPLE_RATE, read_corpus_audio, write_flac
from mimidiar.data.recordings import RecordingFile, read_recordings
from mimidiar.data.utterances_manifest import SourceUtterance, read_source
from mimidiar.errors import MimidiarError
from mimidiar.log import log
from mimidiar.simulation.acoustics import (
    SpeechTimes,
    add_noise,
    add_noise_floor,
    in_a_room,
    made_up_responses,
    noise_excerpt,
    read_response,
    to_int16,
)

MAX_T60_SEC = 0.8  # of a made-up room; lhotse's own default


@dataclass
class Condition:
    """The steps of a degradation, in this order: a room, then noise, then another level."""

    reverb: bool = False
    snr_db: float | None = None  # mean power of the speech over that of the noise; none: no noise
    gain_db: float = 0.0


@dataclass
class Degradation:
    """`conf/degrade.yaml`: the conditions by name, and the seed of all draws."""

    seed: int = 0
    conditions: dict[str, Condition] = field(default_factory=dict)

    def check(self, source: str) -> None:
        """Raise MimidiarError for a condition that does nothing, or a name that no set can have."""
        for name, condition in self.conditions.items():
            if not name.isalnum():
                raise MimidiarError(
                    f"{source}: condition '{name}': letters and digits alone can be part of a set's name"
                )
            if condition == Condition():
                raise MimidiarError(f"{source}: condition {name} does nothing; give it reverb, snr_db or gain_db")
        if not self.conditions:
            raise MimidiarError(f"{source}: no conditions; name at least one")


@dataclass(frozen=True)
class Sounds:
    """The sounds to degrade with: recorded noises and room impulse responses; without them, synthetic ones are used."""

    noises: Sequence[RecordingFile] = ()
    rirs: Sequence[RecordingFile] = ()


def read_sounds(noises: Path | None, rirs: Path | None) -> Sounds:
    """The sounds of set folders from `mimidiar data prepare musan` or `rirs`."""
    return Sounds(*(tuple(read_recordings(folder)) if folder else () for folder in (noises, rirs)))


def degrade_set(
    data_dir: Path, out_dir: Path, degradation: Degradation, sounds: Sounds, job: tuple[int, int] | None = None
) -> list[Path]:
    """Write OUT/<condition>_<set> for each condition: the utterances of a set under their own names, and its trials.

    With `job` (k, n) the audio of that share is made; without it all missing audio, and the manifests. Raises
    MimidiarError for utterances that cannot be read, and for sounds at another rate.
    """
    utterances = [row for rows in read_source(data_dir).values() for row in rows]
    folders = {name: out_dir / f"{name}_{data_dir.resolve().name}" for name in degradation.conditions}
    share = utterances if job is None else utterances[job[0] - 1 :: job[1]]
    for utterance in tqdm(share, desc="degrading", unit="utt", disable=None):
        todo = {name: path for name, folder in folders.items() if not (path := _audio(folder, utterance)).is_file()}
        if todo:
            clean = to_int16(32767.0 * read_corpus_audio(utterance.path, utterance.seconds, utterance.id))
        for name, path in todo.items():
            rng = np.random.default_rng(_seed(degradation.seed, name, utterance.id))
            samples = degrade(clean, utterance, degradation.conditions[name], sounds, rng)
            write_flac(path, samples)
    if job is None:
        _finish(data_dir, folders, utterances)
    return list(folders.values())


def degrade(
    clean: np.ndarray, utterance: SourceUtterance, condition: Condition, sounds: Sounds, rng: np.random.Generator
) -> np.ndarray:
    """int16 (T,) -> int16 (T,), at the level of before, except for `gain_db` and against clipping."""
    speech = list(utterance.speech) or [(0.0, len(clean) / SAMPLE_RATE)]
    samples = clean
    if condition.reverb:
        samples = _in_some_room(samples, sounds.rirs, rng)
    if condition.snr_db is not None:
        samples = _with_noise(samples, speech, condition.snr_db, sounds.noises, rng)
    return to_int16(samples * 10 ** (condition.gain_db / 20))


def _in_some_room(samples: np.ndarray, rirs: Sequence[RecordingFile], rng: np.random.Generator) -> np.ndarray:
    """Convolved with a recorded impulse response, or a made-up one."""
    seeds = rng.integers(2**31, size=3).tolist()
    response = read_response(rirs[seeds[0] % len(rirs)]) if rirs else made_up_responses(1, MAX_T60_SEC, *seeds)[0]
    return in_a_room(samples.astype(np.float32) / 32768, response) * 32768


def _with_noise(
    samples: np.ndarray, speech: SpeechTimes, snr_db: float, noises: Sequence[RecordingFile], rng: np.random.Generator
) -> np.ndarray:
    """With an excerpt of recorded noise, or with pink noise."""
    if not noises:
        return add_noise_floor(samples, speech, [snr_db, snr_db], int(rng.integers(2**31)))
    return add_noise(samples, speech, snr_db, noise_excerpt(noises, len(samples), rng))


def _seed(seed: int, condition: str, utterance: str) -> list[int]:
    digest = hashlib.sha256(f"{seed}:{condition}:{utterance}".encode()).digest()
    return [int.from_bytes(digest[k : k + 4]) for k in range(0, 16, 4)]


def _audio(folder: Path, utterance: SourceUtterance) -> Path:
    return folder / "audio" / f"{utterance.id}.flac"


def _finish(data_dir: Path, folders: dict[str, Path], utterances: list[SourceUtterance]) -> None:
    """The manifests of the set, with the new audio."""
    from mimidiar.data.manifests import file_recording, read_set, write_set
    from mimidiar.data.validation import require_valid

    clean = read_set(data_dir)
    samples = {recording.id: recording.num_samples for recording in clean.recordings}
    for name, folder in folders.items():
        recordings = [
            file_recording(u.recording, _audio(folder, u), SAMPLE_RATE, samples[u.recording]) for u in utterances
        ]
        write_set(folder, recordings, clean.supervisions, clean.uem, clean.trials)
        log.info(f"{folder}: {len(recordings)} utterances, {name}")
    require_valid(list(folders.values()))
