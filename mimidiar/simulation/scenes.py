"""How simulated conversations are recorded: levels, rooms, colored noise, babble, telephones and codecs.

`simulation.augmentation` does the same with recorded noises and measured rooms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.config import Checked, Rule, Share, between, low_high
from mimidiar.simulation.acoustics import (
    colored_noise,
    in_made_up_room,
    looped_babble,
    steady_tones,
    telephone_band,
    unit_speech,
)
from mimidiar.simulation.codecs import CODECS, through_codec
from mimidiar.simulation.placement import Source

MOVE_SEC = 1.0
FULL = 0.99  # of full scale; louder recordings are scaled down


@dataclass
class SceneOptions(Checked):
    """Recording conditions of conversations. Values are drawn uniformly from ranges."""

    speaker_db: low_high(-60, 20) = field(default_factory=lambda: [-8.0, 0.0])  # of each speaker's level
    level_dbfs: low_high(-90, 0) = field(default_factory=lambda: [-42.0, -14.0])  # of all the speech
    noise_snr_db: low_high(-10, 100) = field(default_factory=lambda: [3.0, 45.0])  # every conversation has noise
    # Of noise: power 1/f^c; 0 white, 1 pink, 2 brown.
    colour: low_high(-2, 3) = field(default_factory=lambda: [0.0, 2.0])
    babble_share: Share = 0.2  # of the conversations
    babble_talkers: low_high(2, 100, int) = field(default_factory=lambda: [4, 8])
    babble_snr_db: low_high(-10, 100) = field(default_factory=lambda: [8.0, 25.0])
    hum_share: Share = 0.1  # of the conversations, with 50 or 60 Hz and overtones, or a few steady tones
    room_share: Share = 0.6  # of the conversations
    room_t60_sec: between(0.1, 3) = 0.7  # the longest
    telephone_share: Share = 0.15  # of the conversations
    move_share: Share = 0.0  # of the conversations, in which one speaker moves, to another place, distance and echo
    move_db: low_high(-40, 20) = field(default_factory=lambda: [-10.0, 4.0])  # change of that speaker's level
    codec_share: Share = 0.0  # of the conversations, which come through a codec
    codecs: list[str] = field(default_factory=lambda: list(CODECS))  # of which one is drawn

    def rules(self) -> list[Rule]:
        """A rule for the names of codecs."""
        known = bool(self.codecs) and set(self.codecs) <= set(CODECS)
        return [("codecs", self.codecs, known, f"one or more of {', '.join(CODECS)}")]


@dataclass(frozen=True)
class Move:
    """A speaker who moves at a share of the length `at`, in another room's echo of seed `room`, at a level changed by
    `gain_db`."""

    speaker: str
    at: float
    gain_db: float
    room: int
    t60_sec: float


@dataclass(frozen=True)
class Scene:
    """The scene of one conversation: `gains` by speaker, a `room`'s seed, noises at levels below the speech, a level.

    `babble`: files of speakers in the background; `tones`: in Hz.
    """

    gains: Mapping[str, float]
    level_dbfs: float
    color: float
    noise_snr_db: float
    babble: tuple[str, ...]
    babble_snr_db: float
    tones: tuple[float, ...]
    room: int | None
    t60_sec: float
    telephone: bool
    codec: str | None
    seeds: tuple[int, ...]
    move: Move | None = None

    def record(self, tracks: Mapping[str, np.ndarray], length: int) -> np.ndarray:
        """Each speaker's speech (length,) -> the recording (length,) float32."""
        rng = np.random.default_rng([*self.seeds, 1])
        names = sorted(tracks)
        tracks = {name: unit_speech(tracks[name]) * 10 ** (self.gains[name] / 20) for name in names}
        dry = dict(tracks)
        if self.room is not None and tracks:
            tracks = dict(zip(names, in_made_up_room([tracks[n] for n in names], self.room, self.t60_sec), strict=True))
        if self.move is not None and self.move.speaker in tracks:
            mover = self.move.speaker
            tracks[mover] = moved(tracks[mover], dry[mover], self.move)
        speech = np.sum([*tracks.values(), np.zeros(length)], axis=0)
        # Speech has a level of about 1 now. Without speech, the recording is noise alone.
        mixed = speech + 10 ** (-self.noise_snr_db / 20) * colored_noise(length, self.color, rng)
        if self.babble:
            mixed = mixed + 10 ** (-self.babble_snr_db / 20) * looped_babble(self.babble, length, rng)
        if self.tones:
            mixed = mixed + 10 ** (-self.noise_snr_db / 20) * steady_tones(self.tones, length, rng)
        if self.telephone:
            mixed = telephone_band(mixed)
        gain = 10 ** (self.level_dbfs / 20)
        peak = float(np.abs(mixed).max()) * gain
        recorded = (mixed * gain * min(1.0, FULL / max(peak, 1e-9))).astype(np.float32)
        return recorded if self.codec is None else through_codec(recorded, self.codec)


def moved(track: np.ndarray, dry: np.ndarray, move: Move) -> np.ndarray:
    """The track (T,) of a speaker who moves within MOVE_SEC; `dry`: the same without an echo."""
    (wet,) = in_made_up_room([dry], move.room, move.t60_sec)
    first, length = round(move.at * len(track)), round(MOVE_SEC * SAMPLE_RATE)
    share = np.clip((np.arange(len(track)) - first) / length, 0, 1)
    return (1 - share) * track + share * 10 ** (move.gain_db / 20) * wet


def draw_scene(options: SceneOptions, speakers: Sequence[str], source: Source, seeds: Sequence[int]) -> Scene:
    """The scene of these seeds. Babble is not of `speakers`, if there are enough others."""
    rng = np.random.default_rng([*seeds, 0])
    babbles, hums, roomy, telephone = rng.random(4) < [
        options.babble_share,
        options.hum_share,
        options.room_share,
        options.telephone_share,
    ]
    gains = {speaker: float(rng.uniform(*options.speaker_db)) for speaker in speakers}
    level, color, snr_db = (float(rng.uniform(*r)) for r in (options.level_dbfs, options.colour, options.noise_snr_db))
    babble_snr_db, talkers = (
        float(rng.uniform(*options.babble_snr_db)),
        int(rng.integers(*options.babble_talkers, endpoint=True)),
    )
    room, t60 = int(rng.integers(2**31)), float(rng.uniform(0.1, options.room_t60_sec))
    speaking = {utterance.path for name in speakers for utterance in source[name]}  # also as another voice
    others = [name for name in sorted(source) if source[name][0].path not in speaking]
    babble = ()
    if babbles and len(others) >= talkers:
        chosen = [others[k] for k in rng.choice(len(others), talkers, replace=False)]
        babble = tuple(source[name][int(rng.integers(len(source[name])))].path for name in chosen)
    tones = tuple(float(f) for f in _draw_tones(rng)) if hums else ()
    # Drawn last, so that scenes of old seeds stay as they were.
    codec = str(rng.choice(options.codecs)) if rng.random() < options.codec_share else None
    move = None
    if speakers and options.move_share > 0 and rng.random() < options.move_share:
        mover = speakers[int(rng.integers(len(speakers)))]
        at, change = float(rng.uniform(0.2, 0.8)), float(rng.uniform(*options.move_db))
        move = Move(mover, at, change, int(rng.integers(2**31)), float(rng.uniform(0.1, options.room_t60_sec)))
    return Scene(
        gains=gains,
        level_dbfs=level,
        color=color,
        noise_snr_db=snr_db,
        babble=babble,
        babble_snr_db=babble_snr_db,
        tones=tones,
        room=room if roomy else None,
        t60_sec=t60,
        telephone=bool(telephone),
        codec=codec,
        move=move,
        seeds=tuple(seeds),
    )


def _draw_tones(rng: np.random.Generator) -> np.ndarray:
    """Mains hum with overtones, or some tones."""
    if rng.random() < 0.5:
        return rng.choice([50.0, 60.0]) * np.arange(1, 8)
    return 110.0 * 2 ** rng.uniform(0, 4, int(rng.integers(1, 5)))
