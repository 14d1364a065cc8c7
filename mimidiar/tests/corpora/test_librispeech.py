"""`prepare librispeech` on a small tree in the corpus' layout: word times, gaps, and what is refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from mimidiar.annotation.rttm import read_rttm
from mimidiar.corpora import librispeech
from mimidiar.corpora.librispeech import PARTS, prepare_librispeech
from mimidiar.corpora.preparation import Preparation
from mimidiar.data.manifests import read_set
from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json
from mimidiar.tests.corpora.published import write_librispeech
from mimidiar.tests.corpora.trees import edit, write_audio

SPEAKERS = {"train-clean-100": (103, 200, 301), "dev-clean": (84,), "test-clean": (61, 70)}
# A pause, THE 0.2-0.35 s, END 0.35-0.5, a pause, AGAIN 0.65-0.9, a pause to the end.
WORDS = '",THE,END,,AGAIN," "0.2,0.35,0.5,0.65,0.9,1.0"'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tree; every part has as many utterances as were published, and silero-vad hears 0.1 to 0.8 s."""
    for part, speakers in SPEAKERS.items():
        monkeypatch.setitem(PARTS, part, (*PARTS[part][:-1], 2 * len(speakers)))
    monkeypatch.setattr("mimidiar.corpora.utterances.speech_segments", lambda audio: [[(0.1, 0.8)] for _ in audio])
    return write_librispeech(tmp_path / "ls", SPEAKERS, WORDS)


def prepare(root: Path, out: Path, settings: Sequence[str] = ()) -> list[Path]:
    return prepare_librispeech(Preparation(root, out, settings=settings))


def test_the_publishers_split_with_word_times(root: Path, tmp_path: Path, said: list[str]) -> None:
    folders = prepare(root, tmp_path / "out")
    assert [f.name for f in folders] == ["train", "dev", "test"]
    train, dev, test = map(read_set, folders)
    assert {s.speaker for s in train.supervisions} == {"ls-103", "ls-200", "ls-301"}
    assert {s.speaker for s in dev.supervisions} == {"ls-84"} and len(test.recordings) == 4
    first, second = list(train.supervisions)[:2]
    assert (first.id, first.text, first.gender) == ("ls-103-77-0000", "THE END", "f")
    words = [(item.symbol, item.start, item.duration) for item in first.alignment["word"]]
    assert words == [("THE", 0.2, 0.15), ("END", 0.35, 0.15), ("AGAIN", 0.65, 0.25)]
    assert "word" not in second.alignment and second.alignment["vad"][0].start == 0.1
    assert any("word times: 6 of 12 utterances have them" in line for line in said)
    origin = read_json(tmp_path / "out" / "corpus.json")["origin"]
    assert origin.endswith("(6 utterances with word times, 6 with segments by silero-vad)")


def test_the_simulation_hears_words_as_stretches_of_speech(root: Path, tmp_path: Path) -> None:
    folders = prepare(root, tmp_path / "out")
    (words, segments) = read_source(folders[1])["ls-84"]
    assert words.speech == ((0.2, 0.5), (0.65, 0.9)) and words.corpus == "ls"
    assert segments.speech[0] == pytest.approx((0.1, 0.8))
    turns = read_rttm(folders[1] / "ref.rttm")
    assert [(turn.start, turn.end) for turn in turns["ls-84-77-0000"]] == [(0.2, 0.5), (0.65, 0.9)]
    assert [(turn.start, turn.end) for turn in turns["ls-84-77-0001"]] == [(0.1, 0.8)]


def test_segments_for_all_if_asked(root: Path, tmp_path: Path) -> None:
    folders = prepare(root, tmp_path / "out", ["speech=vad"])
    assert all(list(s.alignment) == ["vad"] for folder in folders for s in read_set(folder).supervisions)


def test_utterances_without_speech_are_named_and_left_out(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    silent_first = lambda audio: [[] if k == 0 else [(0.1, 0.8)] for k, _ in enumerate(audio)]  # noqa: E731
    monkeypatch.setattr("mimidiar.corpora.utterances.speech_segments", silent_first)
    folders = prepare(root, tmp_path / "out")
    assert any("no speech was found in 1 of 6 utterances: ls-103-77-0001" in line for line in said)
    assert "ls-103-77-0001" not in {r.id for r in read_set(folders[0]).recordings}


def test_missing_files(root: Path, tmp_path: Path) -> None:
    (root / "LibriSpeech" / "dev-clean" / "84" / "77" / "84-77-0001.flac").unlink()
    with pytest.raises(MimidiarError, match=r"1 of 2 audio files are missing: .*84-77-0001.flac. Restore .*skip_miss"):
        prepare(root, tmp_path / "out")
    prepare(root, tmp_path / "out", ["skip_missing=true"])
    assert len(read_set(tmp_path / "out" / "dev").recordings) == 1


def test_a_part_that_was_not_unpacked_whole(root: Path, tmp_path: Path) -> None:
    (root / "LibriSpeech" / "test-clean" / "61" / "77" / "61-77.trans.txt").unlink()
    with pytest.raises(MimidiarError, match=r"test-clean: its transcripts name 2 utterances, LibriSpeech has 4 in"):
        prepare(root, tmp_path / "out")
    with pytest.raises(MimidiarError, match=r"train-clean-360: no such folder; run stage 0"):
        prepare(root, tmp_path / "out", ["train=train-clean-360"])
    with pytest.raises(
        MimidiarError, match=r"--set dev: LibriSpeech has no part 'dev'; choose of dev-clean, dev-clean"
    ):
        prepare(root, tmp_path / "out", ["dev=dev"])


def test_word_times_beyond_the_audio_or_not_understood(root: Path, tmp_path: Path) -> None:
    notes = root / "LibriSpeech" / "train-clean-100" / "200" / "77" / "200-77.alignment.txt"
    edit(notes, "0.9,1.0", "1.05,1.05")
    prepare(root, tmp_path / "rounded")
    word = next(s for s in read_set(tmp_path / "rounded" / "train").supervisions if s.id == "ls-200-77-0000")
    assert word.alignment["word"][-1].end == 1.0
    edit(notes, "1.05,1.05", "1.45,1.45")
    with pytest.raises(
        MimidiarError, match=r"word times of 1 utterances go on after the audio: 200-77-0000 \(until 1.45"
    ):
        prepare(root, tmp_path / "out")
    notes.write_text("200-77-0000 only two\n")
    with pytest.raises(MimidiarError, match=r"200-77.alignment.txt: no alignment file \(.*\); unpack the word times"):
        prepare(root, tmp_path / "out")


def test_another_sample_rate(root: Path, tmp_path: Path) -> None:
    write_audio(root / "LibriSpeech" / "dev-clean" / "84" / "77" / "84-77-0000.flac", rate=8000)
    with pytest.raises(
        MimidiarError, match=r"1 of 2 files cannot be used; unpack them again:\n.*at 8000 Hz, expected 1 at 16000"
    ):
        prepare(root, tmp_path / "out")


def test_a_limit_of_speakers(root: Path, tmp_path: Path) -> None:
    folders = prepare_librispeech(Preparation(root, tmp_path / "out", limit=1))
    assert [len({s.speaker for s in read_set(f).supervisions}) for f in folders] == [1, 1, 1]


def test_every_published_part_has_its_sum() -> None:
    assert all(len(md5) == 32 and size > 1e8 for _, md5, size, _ in PARTS.values())
    assert (
        len({md5 for _, md5, *_ in PARTS.values()}) == len(PARTS) and librispeech.SPLIT_OF_PART.keys() <= PARTS.keys()
    )
