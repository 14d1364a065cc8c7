"""A set of made-up voices for tests: each speaker is a tone, so that a mixture's audio tells who is heard in it."""

from pathlib import Path

import numpy as np
import soundfile
from lhotse import SupervisionSegment
from lhotse.supervision import AlignmentItem

from mimidiar.data.manifests import file_recording, write_set

RATE = 16000
SPEECH = ((0.2, 1.0), (1.5, 2.0))  # seconds in which each utterance is heard
SECONDS = 2.2


def tone_hz(speaker: str) -> float:
    """Of speaker `x-3`: 1000 Hz."""
    return 250.0 * (int(speaker.rsplit("-", 1)[1]) + 1)


def write_tones(folder: Path, speakers: list[int], each: int = 2, marked: bool = True, level: float = 0.2) -> Path:
    """A set folder of utterances of 2.2 s; with `marked`, their speech is in the manifest. Speaker k is level^(k % 2)
    times as loud as the others are.
    """
    time = np.arange(round(SECONDS * RATE)) / RATE
    on = sum(((time >= start) & (time < end)) for start, end in SPEECH)
    recordings, segments = [], []
    for number in speakers:
        who = f"v-{number}"
        for take in range(each):
            name, path = f"{who}-{take}", folder / "wav" / f"{who}-{take}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            tone = 0.3 * level ** (number % 2) * on * np.sin(2 * np.pi * tone_hz(who) * time)
            soundfile.write(str(path), tone, RATE)
            recordings.append(file_recording(name, path, RATE, len(time)))
            items = [AlignmentItem("speech", start, round(end - start, 3)) for start, end in SPEECH]
            segment = SupervisionSegment(name, name, 0, recordings[-1].duration, speaker=who)
            segment.alignment = {"vad": items} if marked else None
            segments.append(segment)
    write_set(folder, recordings, segments)
    return folder


def heard(samples: np.ndarray, speaker: str, frames: int) -> np.ndarray:
    """(frames,): loudness of a speaker's tone in each frame of 80 ms, 1 for a full-scale tone."""
    length = len(samples) // frames
    time = np.arange(len(samples)) / RATE
    turned = (samples * np.exp(-2j * np.pi * tone_hz(speaker) * time)).reshape(frames, length)
    return 2 * np.abs(turned.mean(axis=1))
