"""Augmentation of training conversations: recorded noise, music or babble, and measured rooms.

A conversation's augmentation is drawn from its own seed, so that it depends neither on jobs nor on other conversations.
The turns stay: a room shifts nothing in time. Babble is of MUSAN's speech; some of its readers may be LibriSpeech's;
several at once are unintelligible.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from mimidiar.config import Checked, Limit, Share, low_high
from mimidiar.corpora.sounds import read_rooms
from mimidiar.data.jsonl import RECORDINGS
from mimidiar.data.recordings import RecordingFile, fingerprint, read_recordings
from mimidiar.errors import MimidiarError
from mimidiar.simulation.acoustics import SpeechTimes, add_noise, babble, noise_excerpt, read_response

NOISE, MUSIC, BABBLE = "noise", "music", "babble"
KIND_OF = {"musan_noise": NOISE, "musan_music": MUSIC, "musan_speech": BABBLE}  # set folders; others are noise
DRAWN, APPLIED = 2, 3  # streams of a conversation's seed; 0 and 1 are those of the conversation itself


Several = Annotated[list[int], Limit(lambda pair: len(pair) == 2 and 2 <= pair[0] <= pair[1], "two numbers from 2 on")]


@dataclass
class Augment(Checked):
    """Amounts of augmentation, where sounds are given."""

    noise_share: Share = 0.5  # of the conversations, with added noise, music or babble
    # Ranges to draw from, below the mean of the speech.
    noise_snr_db: low_high(-20, 120) = field(default_factory=lambda: [5.0, 20.0])
    babble_talkers: Several = field(default_factory=lambda: [3, 7])  # one alone would be a speaker without a label
    reverb_share: Share = 0.5  # of the conversations, in a room


@dataclass(frozen=True)
class Surroundings:
    """Of one conversation: the impulse response of each speaker (none: no room), and the added noise."""

    responses: Mapping[str, RecordingFile]
    kind: str  # of the noise; "" for none
    snr_db: float
    babble_talkers: int  # of babble


@dataclass(frozen=True)
class Augmenter:
    """Options and sounds: `noises` by kind, `rooms` with the responses at different places of each."""

    options: Augment
    noises: Mapping[str, Sequence[RecordingFile]]
    rooms: Mapping[str, Sequence[RecordingFile]]

    def asked(self) -> dict[str, Any]:
        """All that determines the draws, for a hash key."""
        places = [f"{room} {response.id}" for room in sorted(self.rooms) for response in self.rooms[room]]
        return asdict(self.options) | {
            "noises": {kind: fingerprint(list(self.noises[kind])) for kind in sorted(self.noises)},
            "responses": fingerprint([response for room in self.rooms.values() for response in room]),
            "rooms": hashlib.sha256("\n".join(places).encode()).hexdigest(),
        }

    def draw(self, speakers: Sequence[str], seeds: Sequence[int]) -> Surroundings:
        """The surroundings of the conversation of these speakers and this seed."""
        rng = np.random.default_rng([*seeds, DRAWN])
        noisy, reverberant = rng.random(2) < [self.options.noise_share, self.options.reverb_share]
        snr_db, babble_talkers = (
            rng.uniform(*self.options.noise_snr_db),
            rng.integers(*self.options.babble_talkers, endpoint=True),
        )
        kind = sorted(self.noises)[int(rng.integers(len(self.noises)))] if noisy and self.noises else ""
        responses = self._places(speakers, rng) if reverberant and self.rooms else {}
        return Surroundings(responses, kind, float(snr_db), int(babble_talkers))

    def _places(self, speakers: Sequence[str], rng: np.random.Generator) -> dict[str, RecordingFile]:
        """A different place of one room for each speaker; the same place for all where the room has too few."""
        room = self.rooms[sorted(self.rooms)[int(rng.integers(len(self.rooms)))]]
        places = [room[k] for k in rng.permutation(len(room))]
        return {speaker: places[number % len(places)] for number, speaker in enumerate(sorted(speakers))}

    def add_noise(
        self, samples: np.ndarray, speech: SpeechTimes, surroundings: Surroundings, seeds: Sequence[int]
    ) -> np.ndarray:
        """int16 (T,) with the noise of the surroundings, if any."""
        if not surroundings.kind:
            return samples
        rng, sounds = np.random.default_rng([*seeds, APPLIED]), self.noises[surroundings.kind]
        if surroundings.kind == BABBLE:
            noise = babble(sounds, surroundings.babble_talkers, len(samples), rng)
        else:
            noise = noise_excerpt(sounds, len(samples), rng)
        return add_noise(samples, speech, surroundings.snr_db, noise)

    def describe(self) -> str:
        """The sounds in a line, and whether the speakers of one conversation have different places in a room."""
        parts = [f"{len(self.noises[kind])} of {kind}" for kind in sorted(self.noises)]
        if self.rooms:
            several = sum(len(room) > 1 for room in self.rooms.values())
            parts.append(f"{sum(map(len, self.rooms.values()))} impulse responses of {len(self.rooms)} rooms")
            parts.append(f"in {several} of them each speaker in a place of its own, in the others all in one")
        return ", ".join(parts)


def impulse_responses(surroundings: Surroundings) -> dict[str, np.ndarray]:
    """Speaker -> impulse response (K,). Each file is read once."""
    read = {response.path: read_response(response) for response in surroundings.responses.values()}
    return {speaker: read[response.path] for speaker, response in surroundings.responses.items()}


def make_augmenter(options: Augment, noise: Path | None, rirs: Path | None) -> Augmenter | None:
    """With the sounds of these folders; None where there are none.

    `noise`: a set of noises, or a folder of `mimidiar data prepare musan`; `rirs`: a set of impulse responses.
    Raises MimidiarError for folders that hold no sounds, and for impossible options.
    """
    options.check("configuration", "augment.")
    if noise is None and rirs is None:
        return None
    return Augmenter(options, _read_noises(noise) if noise else {}, _read_rooms(rirs) if rirs else {})


def _read_noises(folder: Path) -> dict[str, list[RecordingFile]]:
    folders = [folder] if (folder / RECORDINGS).is_file() else [folder / name for name in KIND_OF]
    found = {KIND_OF.get(each.name, NOISE): each for each in folders if (each / RECORDINGS).is_file()}
    if not found:
        raise MimidiarError(
            f"{folder}: no noises here, nor {', '.join(KIND_OF)}; `mimidiar data prepare musan` makes them"
        )
    return {kind: read_recordings(each) for kind, each in found.items()}


def _read_rooms(folder: Path) -> dict[str, list[RecordingFile]]:
    """The responses by room; one of an unknown room is a room of its own."""
    responses, room_of, rooms = read_recordings(folder), read_rooms(folder), {}
    for response in responses:
        rooms.setdefault(room_of.get(response.id, response.id), []).append(response)
    return rooms
