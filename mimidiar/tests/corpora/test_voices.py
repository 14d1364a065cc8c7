"""The synthetic voices: enough of them, different, the same for a seed, and in the layout of the corpus folder."""

from pathlib import Path

import pytest
import soundfile

from mimidiar.corpora import voices
from mimidiar.corpora.mini import read_mini_corpus


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {gender: " ".join(names.split()[:6]) for gender, names in voices.VARIANTS.items()}
    monkeypatch.setattr(voices, "VARIANTS", few)
    monkeypatch.setattr(voices, "UTTERANCES_PER_VOICE", 3)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_there_are_more_than_40_voices_in_three_splits() -> None:
    chosen = voices.choose_voices(0)
    assert len({voice.speaker for voice in chosen}) == len(chosen) == 48
    for split in ("dev", "test"):
        genders = [voice.gender for voice in chosen if voice.split == split]
        assert genders.count("f") == 3 and genders.count("m") == 6
    assert chosen != voices.choose_voices(1)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, few: None) -> None:
    first = contents(voices.write_voices(tmp_path / "a", 1))
    assert first == contents(voices.write_voices(tmp_path / "b", 1))
    audio = {name: data for name, data in first.items() if name.endswith(".flac")}
    assert len(set(audio.values())) == len(audio) == 36
    other = contents(voices.write_voices(tmp_path / "b", 2))  # the folder is made anew for another seed
    assert all(other.get(name) != data for name, data in audio.items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_the_pack_reader_reads_them(tmp_path: Path, few: None) -> None:
    root = voices.write_voices(tmp_path / "a", 1)
    pack = read_mini_corpus(root)
    assert len(pack.utterances) == 36 and set(pack.split.values()) == {"train", "dev", "test"}
    utterance = pack.utterances[0]
    info = soundfile.info(str(utterance.path))
    assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
    assert 1.0 < info.duration < 15 and abs(info.duration - utterance.seconds) < 0.001
    speaker_of = {u.id: u.speaker for u in pack.utterances}
    (trials,) = pack.trials.values()
    assert {pack.split[speaker_of[utt]] for _, *pair in trials for utt in pair} == {"test"}
    assert {label for label, *_ in trials} == {0, 1}
    assert all((speaker_of[a] == speaker_of[b]) == bool(label) for label, a, b in trials)
    assert "nothing about Mimi" in (root / "README.md").read_text()


def test_a_finished_corpus_is_kept(tmp_path: Path, few: None, monkeypatch: pytest.MonkeyPatch) -> None:
    voices.write_voices(tmp_path / "a", 1)
    monkeypatch.setattr(voices, "_write_corpus", lambda *_: pytest.fail("made again"))
    voices.write_voices(tmp_path / "a", 1)
