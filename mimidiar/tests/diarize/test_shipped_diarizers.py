"""What comes with the package: the diarizers hear nobody where nobody speaks, and people where people do."""

import csv

import numpy as np
import pytest
import torch
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from mimidiar import Diarizer
from mimidiar.audio.files import read_audio
from mimidiar.diarize.pretrained import FORMAT
from mimidiar.encoders.mimi.sizes import SAMPLE_RATE
from mimidiar.encoders.registry import load_encoder
from mimidiar.shipped import shipped_file, shipped_names
from mimidiar.tests.speech import corpus_folder, speech
from mimidiar.weight_files import inspect_weight_file

RATE = 16000
DIARIZERS, CODECS = ["mini", "mini-fusion"], ["mimi-mini", "mimi-mini-distil"]
TURN_SEC, PAUSE_SEC = 5.0, 0.5


@pytest.fixture(scope="module", params=DIARIZERS)
def diarizer(request: pytest.FixtureRequest) -> Diarizer:
    return Diarizer.from_pretrained(request.param, "cpu")


def tones() -> np.ndarray:
    """A chord for each half second, as of music."""
    time = np.arange(RATE // 2) / RATE
    random = np.random.default_rng(0)
    keys = random.integers(0, 36, (20, 3))
    chords = np.sin(2 * np.pi * 110 * 2 ** (keys[..., None] / 12) * time).sum(1)
    return (0.05 * chords.ravel()).astype(np.float32)


SOUNDS = {
    "silence": lambda: np.zeros(RATE * 10, np.float32),
    "noise": lambda: 0.05 * np.random.default_rng(0).standard_normal(RATE * 10).astype(np.float32),
    "tones": tones,
}


@pytest.mark.parametrize("sound", SOUNDS)
def test_nobody_is_heard_where_nobody_speaks(diarizer: Diarizer, sound: str) -> None:
    assert not diarizer(SOUNDS[sound](), RATE)


def two_speakers() -> tuple[np.ndarray, Annotation]:
    """A woman and a man whom nothing was trained on take turns for half a minute: samples at 24 kHz, and the turns."""
    folder = corpus_folder() / "librispeech_subset"
    with open(folder / "utts.tsv") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["orig_part"] == "test-other"]
    long = [row for row in rows if float(row["seconds"]) > TURN_SEC + 1]
    both = [[row for row in long if row["gender"] == gender] for gender in "FM"]
    pairs = zip(*([row for row in group if row["speaker"] == group[0]["speaker"]][:3] for group in both), strict=True)
    parts, reference = [], Annotation()
    for number, row in enumerate(row for pair in pairs for row in pair):
        start = number * (TURN_SEC + PAUSE_SEC)
        audio = read_audio(folder / row["path"], SAMPLE_RATE)[SAMPLE_RATE // 2 :]
        parts += [audio[: round(TURN_SEC * SAMPLE_RATE)], np.zeros(round(PAUSE_SEC * SAMPLE_RATE), np.float32)]
        reference[Segment(start, start + TURN_SEC)] = row["speaker"]
    assert len(parts) == 12 and len(reference.labels()) == 2
    return np.concatenate(parts), reference


def test_two_people_who_take_turns_are_told_apart(diarizer: Diarizer) -> None:
    audio, reference = two_speakers()
    found = diarizer(audio, SAMPLE_RATE)
    assert len(found.labels()) == 2
    everything = Segment(0, len(audio) / SAMPLE_RATE)
    assert DiarizationErrorRate(collar=0.5)(reference, found, uem=Timeline([everything])) < 0.15


def test_all_are_there_and_the_codecs_are_small_and_two() -> None:
    assert shipped_names() == sorted([*CODECS, *DIARIZERS]) and shipped_names(FORMAT) == DIARIZERS
    for name in CODECS:
        assert inspect_weight_file(shipped_file(name)).values <= 5.5e6
    audio, length = torch.from_numpy(speech(2.0).copy())[None], torch.tensor([2 * SAMPLE_RATE])
    one, two = (load_encoder(name).encode(audio, length)[0] for name in CODECS)
    assert one.shape == two.shape == (1, 25, 256) and (one - two).abs().mean() > 0.1 * one.std()
