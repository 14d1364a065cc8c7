"""What talks are heard in, made up: levels, rooms, coloured noise, babble of other people, the band of a telephone.

`simulate.augment` does the like with recorded noises and measured rooms, where there are any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import signal

from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import read_audio
from mimidiar.config import range_rule, require
from mimidiar.simulation.mixtures import Source
from mimidiar.simulation.sounds import unit_power

TELEPHONE_HZ = (300.0, 3400.0)

LOWEST_HZ = 40.0  # coloured noise is flat below
FULL = 0.99  # of full scale; what is louder is turned down


@dataclass
class SceneOptions:
    """How talks are recorded. Ranges are drawn from evenly."""

    speaker_db: list[float] = field(default_factory=lambda: [-8.0, 0.0])  # of each speaker's level
    level_dbfs: list[float] = field(default_factory=lambda: [-42.0, -14.0])  # of all the speech
    noise_snr_db: list[float] = field(default_factory=lambda: [3.0, 45.0])  # every talk has some
    colour: list[float] = field(default_factory=lambda: [0.0, 2.0])  # of noise: power 1/f^c; 0 white, 1 pink, 2 brown
    babble_share: float = 0.2  # of the talks
    babble_talkers: list[int] = field(default_factory=lambda: [4, 8])
    babble_snr_db: list[float] = field(default_factory=lambda: [8.0, 25.0])
    hum_share: float = 0.1  # of the talks, with 50 or 60 Hz and overtones, or a few steady tones
    room_share: float = 0.6  # of the talks
    room_t60_sec: float = 0.7  # the longest
    telephone_share: float = 0.15  # of the talks

    def check(self, where: str) -> None:
        """Raise MimidiarError naming the key, its value and what it must be."""
        rules = [(key, getattr(self, key), 0 <= getattr(self, key) <= 1, "between 0 and 1") for key in _SHARES]
        rules += [range_rule(key, getattr(self, key), low, high) for key, low, high in _RANGES]
        rules.append(("room_t60_sec", self.room_t60_sec, 0.1 <= self.room_t60_sec <= 3, "from 0.1 to 3"))
        require(where, rules)


_SHARES = ("babble_share", "hum_share", "room_share", "telephone_share")
_RANGES = (
    ("speaker_db", -60, 20),
    ("level_dbfs", -90, 0),
    ("noise_snr_db", -10, 100),
    ("colour", -2, 3),
    ("babble_talkers", 2, 100),
    ("babble_snr_db", -10, 100),
)


@dataclass(frozen=True)
class Scene:
    """What one talk is heard in: `gains` by speaker, a `room`'s seed, noises at their levels below the speech, a level.

    `babble` are the files of those who talk in the background, `tones` (Hz) what hums.
    """

    gains: Mapping[str, float]
    level_dbfs: float
    colour: float
    noise_snr_db: float
    babble: tuple[str, ...]
    babble_snr_db: float
    tones: tuple[float, ...]
    room: int | None
    t60_sec: float
    telephone: bool
    seeds: tuple[int, ...]

    def record(self, tracks: Mapping[str, np.ndarray], length: int) -> np.ndarray:
        """Each speaker's speech (length,) -> the recording (length,) float32."""
        rng = np.random.default_rng([*self.seeds, 1])
        names = sorted(tracks)
        tracks = {name: _unit_speech(tracks[name]) * 10 ** (self.gains[name] / 20) for name in names}
        if self.room is not None and tracks:
            tracks = dict(zip(names, in_room([tracks[n] for n in names], self.room, self.t60_sec), strict=True))
        speech = np.sum([*tracks.values(), np.zeros(length)], axis=0)
        # Speech has a level of about 1 now. Where there is none, noise alone makes the recording.
        mixed = speech + 10 ** (-self.noise_snr_db / 20) * coloured_noise(length, self.colour, rng)
        if self.babble:
            mixed = mixed + 10 ** (-self.babble_snr_db / 20) * _babble(self.babble, length, rng)
        if self.tones:
            mixed = mixed + 10 ** (-self.noise_snr_db / 20) * _tones(self.tones, length, rng)
        if self.telephone:
            mixed = telephone_band(mixed)
        gain = 10 ** (self.level_dbfs / 20)
        peak = float(np.abs(mixed).max()) * gain
        return (mixed * gain * min(1.0, FULL / max(peak, 1e-9))).astype(np.float32)


def draw_scene(options: SceneOptions, speakers: Sequence[str], source: Source, seeds: Sequence[int]) -> Scene:
    """The scene of these seeds. Those who babble are none of `speakers`, if there are enough others."""
    rng = np.random.default_rng([*seeds, 0])
    babbles, hums, roomy, telephone = rng.random(4) < [
        options.babble_share,
        options.hum_share,
        options.room_share,
        options.telephone_share,
    ]
    gains = {speaker: float(rng.uniform(*options.speaker_db)) for speaker in speakers}
    level, colour, snr_db = (float(rng.uniform(*r)) for r in (options.level_dbfs, options.colour, options.noise_snr_db))
    babble_snr_db, talkers = (
        float(rng.uniform(*options.babble_snr_db)),
        int(rng.integers(*options.babble_talkers, endpoint=True)),
    )
    room, t60 = int(rng.integers(2**31)), float(rng.uniform(0.1, options.room_t60_sec))
    others = [name for name in sorted(source) if name not in speakers]
    babble = ()
    if babbles and len(others) >= talkers:
        chosen = [others[k] for k in rng.choice(len(others), talkers, replace=False)]
        babble = tuple(source[name][int(rng.integers(len(source[name])))].path for name in chosen)
    tones = tuple(float(f) for f in _draw_tones(rng)) if hums else ()
    return Scene(
        gains=gains,
        level_dbfs=level,
        colour=colour,
        noise_snr_db=snr_db,
        babble=babble,
        babble_snr_db=babble_snr_db,
        tones=tones,
        room=room if roomy else None,
        t60_sec=t60,
        telephone=bool(telephone),
        seeds=tuple(seeds),
    )


def _draw_tones(rng: np.random.Generator) -> np.ndarray:
    """The hum of mains with overtones, or some notes."""
    if rng.random() < 0.5:
        return rng.choice([50.0, 60.0]) * np.arange(1, 8)
    return 110.0 * 2 ** rng.uniform(0, 4, int(rng.integers(1, 5)))


def coloured_noise(length: int, colour: float, rng: np.random.Generator) -> np.ndarray:
    """(length,) with power 1/f^colour above LOWEST_HZ, of mean power 1: white noise, weighted in the spectrum."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), LOWEST_HZ)
    return unit_power(np.fft.irfft(spectrum * frequency ** (-colour / 2), length))


def in_room(tracks: Sequence[np.ndarray], seed: int, t60_sec: float) -> list[np.ndarray]:
    """Tracks (T,) as heard in a room, each from a place of its own, in time and as loud as before.

    The room's responses by lhotse, after Luo and Gu (2022, "Fast random approximation of multi-channel room impulse
    response"); the strongest peak of each is the direct sound.
    """
    import torch
    from lhotse.augmentation.utils import FastRandomRIRGenerator

    room = FastRandomRIRGenerator(sr=SAMPLE_RATE, max_T60=max(t60_sec, 0.11), room_seed=seed, source_seed=seed)
    with torch.random.fork_rng(devices=[]):  # of which it draws besides
        torch.default_generator.manual_seed(seed)
        responses = room(nsource=len(tracks))
    heard = []
    for track, response in zip(tracks, responses, strict=True):
        direct = int(np.abs(response).argmax())
        wet = signal.oaconvolve(track, response)[direct : direct + len(track)]
        power = float(np.mean(track.astype(np.float64) ** 2))
        heard.append(wet * np.sqrt(power / max(float(np.mean(wet.astype(np.float64) ** 2)), 1e-12)))
    return heard


def telephone_band(samples: np.ndarray) -> np.ndarray:
    """Samples (T,) between 300 and 3400 Hz."""
    return signal.sosfilt(signal.butter(4, TELEPHONE_HZ, "bandpass", fs=SAMPLE_RATE, output="sos"), samples)


def _babble(paths: Sequence[str], length: int, rng: np.random.Generator) -> np.ndarray:
    """(length,) of mean power 1: all of these files at once, each again and again from a moment of its own on."""
    sums = np.zeros(length)
    for path in paths:
        samples = unit_power(read_audio(path, SAMPLE_RATE))
        sums += np.resize(np.roll(samples, int(rng.integers(len(samples)))), length)
    return unit_power(sums)


def _tones(tones: Sequence[float], length: int, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(length) / SAMPLE_RATE
    return unit_power(np.sum([np.sin(2 * np.pi * (f * time + rng.random())) * rng.random() for f in tones], axis=0))


def _unit_speech(track: np.ndarray) -> np.ndarray:
    """Scaled so that what is not silent has a mean power of 1."""
    spoken = track[track != 0]
    return track / max(float(np.sqrt(np.mean(spoken.astype(np.float64) ** 2))) if len(spoken) else 1.0, 1e-9)
