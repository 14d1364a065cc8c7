"""Reading the utterances without lhotse."""

import gzip
from pathlib import Path

import pytest
from lhotse import SupervisionSegment
from lhotse.supervision import AlignmentItem

from mimidiar.data.manifests import file_recording, write_set
from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError


def write_one(folder: Path, alignment: dict | None) -> None:
    segment = SupervisionSegment("u", "u", 0, 2.0, speaker="ann", alignment=alignment, custom={"corpus": "c"})
    write_set(folder, [file_recording("u", "/audio/u.flac", 16000, 32000)], [segment])


def test_vad_segments_and_words(tmp_path: Path) -> None:
    write_one(tmp_path / "vad", {"vad": [AlignmentItem("speech", 0.5, 0.5), AlignmentItem("speech", 1.25, 0.5)]})
    (utterance,) = read_source(tmp_path / "vad")["ann"]
    assert utterance.speech == ((0.5, 1.0), (1.25, 1.75))
    assert (utterance.corpus, utterance.path, utterance.seconds) == ("c", "/audio/u.flac", 2.0)
    words = [
        AlignmentItem("", 0.0, 0.5),
        AlignmentItem("a", 0.5, 0.25),
        AlignmentItem("b", 0.75, 0.25),
        AlignmentItem("c", 1.5, 0.25),
    ]
    write_one(tmp_path / "word", {"word": words})
    assert read_source(tmp_path / "word")["ann"][0].speech == ((0.5, 1.0), (1.5, 1.75))


def test_speed_shortens_everything_alike(tmp_path: Path) -> None:
    write_one(tmp_path, {"vad": [AlignmentItem("speech", 0.5, 0.5), AlignmentItem("speech", 1.25, 0.5)]})
    (utterance,) = read_source(tmp_path)["ann"]
    fast = utterance.at_speed(1.25)
    assert (fast.seconds, fast.speech, fast.speed) == (1.6, ((0.4, 0.8), (1.0, 1.4)), 1.25)
    assert utterance.speed == 1


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"recordings.jsonl.gz: no such manifest; run stage 1"):
        read_source(tmp_path)
    write_one(tmp_path, None)
    assert read_source(tmp_path)["ann"][0].speech == ()
    orphan = gzip.compress(b'{"id": "u", "recording_id": "v"}')
    (tmp_path / "supervisions.jsonl.gz").write_bytes(orphan)
    with pytest.raises(MimidiarError, match="utterance u is of no recording there"):
        read_source(tmp_path)
    (tmp_path / "supervisions.jsonl.gz").write_bytes(gzip.compress(b'{"id": "u"}'))
    with pytest.raises(MimidiarError, match=r"a manifest row is not as expected .KeyError"):
        read_source(tmp_path)
    (tmp_path / "supervisions.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(MimidiarError, match=r"supervisions.jsonl.gz: broken"):
        read_source(tmp_path)
