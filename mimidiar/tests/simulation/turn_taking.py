"""Tones that are speakers, and sessions that NeMo has no part in."""

from pathlib import Path

import numpy as np
import soundfile
from lhotse import SupervisionSegment
from lhotse.supervision import AlignmentItem

from mimidiar.annotation.turns import Turn
from mimidiar.data.manifests import file_recording, write_set
from mimidiar.simulation.plan import ConversationSet, Simulation

RATE = 16000
SPEAKERS = 6


def write_train(root: Path) -> Path:
    """A set `train`: every speaker has a tone of their own, on in 0.2-1.0 and 1.5-2.0 s, and two utterances; women and
    men in turn."""
    time = np.arange(round(2.2 * RATE)) / RATE
    on = ((time >= 0.2) & (time < 1.0)) | ((time >= 1.5) & (time < 2.0))
    recordings, segments = [], []
    for speaker in range(SPEAKERS):
        for k in range(2):
            name = f"s-{speaker}-{k}"
            tone = 0.3 * on * np.sin(2 * np.pi * 200 * (speaker + 1) * time)
            soundfile.write(str(root / f"{name}.flac"), tone, RATE)
            recordings.append(file_recording(name, root / f"{name}.flac", RATE, len(time)))
            items = [AlignmentItem("speech", 0.2, 0.8), AlignmentItem("speech", 1.5, 0.5)]
            length = recordings[-1].duration
            custom = {"corpus": "s", "session": "x"}
            about = {"speaker": f"s-{speaker}", "gender": "fm"[speaker % 2], "custom": custom}
            segments.append(SupervisionSegment(name, name, 0, length, alignment={"vad": items}, **about))
    write_set(root / "train", recordings, segments)
    return root


def fake_session(name: str, voices, options, seconds: float, seed: int, work: Path, responses=None):
    """Every speaker in turn for two seconds; which one begins depends on the seed."""
    speakers = sorted(voices)
    turns = [Turn(name, 2.0 * k, 2.0 * k + 1.5, speakers[(k + seed) % len(speakers)]) for k in range(int(seconds))]
    samples = np.random.default_rng(seed).integers(-9000, 9000, round(seconds * RATE) + 999).astype(np.int16)
    (work / "left").write_text("a file of the simulator")
    return samples, turns


def options(**changes) -> Simulation:
    return Simulation(sets={"train": ConversationSet(**{"conversations": 7, "seconds": 12.0, **changes})})


def contents(root: Path) -> dict[str, bytes]:
    """All files; those that hold the path of the folder itself are compared without it."""
    found = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if "recordings" not in name and "cuts" not in name}
