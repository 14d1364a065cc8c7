"""Recordings of a set folder without lhotse, and as lhotse reads them: files, and channels of files."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet, SupervisionSegment

from mimidiar.data.manifests import file_recording, write_set
from mimidiar.data.recordings import RecordingFile, fingerprint, read_recordings, recording_ids
from mimidiar.data.validation import find_problems
from mimidiar.features.extraction import read_chunks

RATE = 16000


def write_array(folder: Path, channel: int, channels: int = 8) -> Path:
    """A set of one recording, which is one channel of a file; channel k of it is 0.05 (k + 1) throughout."""
    path = folder.parent / "array.wav"
    soundfile.write(path, np.tile(0.05 * np.arange(1, channels + 1), (RATE, 1)), RATE, subtype="FLOAT")
    recording = file_recording("r", path, RATE, RATE, channel, channels)
    segment = SupervisionSegment("r-0", "r", 0.25, 0.5, channel=channel, speaker="ann")
    write_set(folder, [recording], [segment])
    return folder


def test_one_channel_of_many_is_the_recording_for_us_and_for_lhotse(tmp_path: Path) -> None:
    folder = write_array(tmp_path / "a", 3)
    (recording,) = read_recordings(folder)
    assert (recording.channel, recording.seconds) == (3, 1.0) and recording_ids(folder) == {"r"}
    assert np.allclose(np.concatenate(list(read_chunks(recording, RATE))), 0.2)
    (cut,) = CutSet.from_file(folder / "cuts.jsonl.gz")
    assert cut.load_audio().shape == (1, RATE) and np.allclose(cut.load_audio(), 0.2)
    assert find_problems([folder]) == []


def test_a_file_of_other_channels_than_the_manifest_says_is_a_problem(tmp_path: Path) -> None:
    folder = write_array(tmp_path / "a", 1)
    soundfile.write(tmp_path / "array.wav", np.zeros((RATE, 2)), RATE)
    (problem,) = find_problems([folder])
    assert "array.wav has 2 channel(s), the manifest says 8" in problem


def test_the_fingerprint_of_a_set_without_channels_is_that_of_ids_and_lengths() -> None:
    """Features that were extracted before a recording had a channel keep their key."""
    recordings = [RecordingFile("b", Path("x"), RATE, 7), RecordingFile("a", Path("y"), RATE, 5)]
    assert fingerprint(recordings) == hashlib.sha256(b"a 16000 5\nb 16000 7").hexdigest()
    one, other = (fingerprint([RecordingFile("a", Path("y"), RATE, 5, channel)]) for channel in (0, 1))
    assert len({one, other, fingerprint(recordings[1:])}) == 3


@pytest.mark.parametrize("channels", [1, 2])
def test_without_a_choice_it_is_all_of_the_file(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.full((RATE, channels), 0.1), RATE)
    write_set(tmp_path / "a", [file_recording("r", path, RATE, RATE)], [])
    assert read_recordings(tmp_path / "a")[0].channel is None
