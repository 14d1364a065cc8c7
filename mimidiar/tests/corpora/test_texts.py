"""Trials by what is said, on made-up readings whose trials are counted by hand."""

from pathlib import Path

import pytest
from lhotse import SupervisionSegment

from mimidiar.corpora.preparation import Preparation
from mimidiar.corpora.texts import prepare_texts, shared_readings, text_of, text_trials
from mimidiar.corpora.utterances import Utterance
from mimidiar.data.manifests import file_recording, read_set, write_set
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.trees import write_audio


def utterance(name: str, text: str | None = None, corpus: str = "w") -> Utterance:
    return Utterance(name, name.rpartition("-")[0], Path("x"), 1.0, "s", corpus, name, text=text)


# Ann, Bob and Cy read "one"; Ann and Bob read "two" (Bob twice); what Cy alone reads is of no use.
READINGS = [
    utterance("ann-1", "One."),
    utterance("bob-1", "one"),
    utterance("cy-1", "ONE!"),
    utterance("ann-2", "Two, or: more"),
    utterance("bob-2", "two or  more"),
    utterance("bob-3", "two or more"),
    utterance("cy-4", "four"),
]


def test_the_same_words_are_the_same_text() -> None:
    assert text_of(READINGS[0]) == text_of(READINGS[2]) == "one" and text_of(READINGS[3]) == text_of(READINGS[4])
    assert text_of(utterance("vcc16-SF1-200003", corpus="vcc16")) == "200003"
    assert text_of(utterance("vcc16-SF1-100003", corpus="vcc16")) is None
    assert text_of(utterance("w-200003")) is None


def test_trials_counted_by_hand() -> None:
    readings = shared_readings(READINGS)
    assert {text: [u.id for u in group] for text, group in readings.items()} == {
        "one": ["ann-1", "bob-1", "cy-1"],
        "two or more": ["ann-2", "bob-2"],
    }
    trials = text_trials(readings, seed=0)
    targets = {(1, "ann-1", "ann-2"), (1, "bob-1", "bob-2")}
    one_text = {(0, "ann-1", "bob-1"), (0, "ann-1", "cy-1"), (0, "bob-1", "cy-1"), (0, "ann-2", "bob-2")}
    two_texts = {(0, "ann-1", "bob-2"), (0, "bob-1", "ann-2"), (0, "cy-1", "ann-2"), (0, "cy-1", "bob-2")}
    assert set(trials["texts_same"]) == targets | one_text and len(trials["texts_same"]) == 6
    assert set(trials["texts_other"]) == targets | two_texts and len(trials["texts_other"]) == 6


def test_of_many_pairs_a_seeded_choice_is_taken(monkeypatch) -> None:
    monkeypatch.setattr("mimidiar.corpora.texts.MOST_PER_GROUP", 10)
    rows = [utterance(f"{who}-{k}", f"text {k}") for who in ("ann", "bob", "cy") for k in range(12)]
    trials = text_trials(shared_readings(rows), seed=0)
    assert trials == text_trials(shared_readings(rows[::-1]), seed=0) != text_trials(shared_readings(rows), seed=1)
    for name, own in trials.items():
        targets, others = ([trial for trial in own if trial[0] == label] for label in (1, 0))
        assert len(targets) == 30 and len(others) == (36 if name == "texts_same" else 30)
        for _, one, other in others:
            assert (one.split("-")[1] == other.split("-")[1]) == (name == "texts_same")


def write_readings(root: Path, texts: list[str]) -> Path:
    """A corpus folder in which three speakers read each text."""
    rows = ["utt_id\tspeaker\tpath\tseconds\tsession\ttext"]
    for who in ("w-ann", "w-bob", "w-cy"):
        for number, text in enumerate(texts):
            write_audio(root / "words" / f"{who}-{number}.flac")
            rows.append(f"{who}-{number}\t{who}\t{who}-{number}.flac\t1.000\ts\t{text}")
    (root / "words" / "utts.tsv").write_text("\n".join(rows) + "\n")
    return root


def unmarked(rows: list[Utterance]) -> dict:
    """In place of silero-vad, which finds no speech in noise."""
    return {utterance.id: {"vad": []} for utterance in rows}


def test_both_sets_are_written_and_valid(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("mimidiar.corpora.texts.find_speech", unmarked)
    corpus = write_readings(tmp_path / "c", ["one", "two", "one"])
    folders = prepare_texts(Preparation(corpus, tmp_path / "out"))
    sets = {folder.name: read_set(folder) for folder in folders}
    assert list(sets) == ["texts_same", "texts_other"]
    assert [len(found.trials) for found in sets.values()] == [3 + 6, 3 + 6]
    assert all(len(found.recordings) == 6 for found in sets.values())  # of two readings of one text the first
    with pytest.raises(MimidiarError, match="too few sentences that several speakers have read"):
        prepare_texts(Preparation(write_readings(tmp_path / "d", ["one"]), tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_a_training_set_is_left_without_the_speakers_of_the_trials(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("mimidiar.corpora.texts.find_speech", unmarked)
    paths = [write_audio(tmp_path / "more" / f"{name}.flac") for name in ("w-ann-9", "w-dan-1", "w-dan-2")]
    recordings = [file_recording(path.stem, path, 16000, 16000) for path in paths]
    turns = [SupervisionSegment(r.id, r.id, 0.0, 1.0, speaker=r.id.rpartition("-")[0]) for r in recordings]
    write_set(tmp_path / "train", recordings, turns)
    corpus = write_readings(tmp_path / "c", ["one", "two"])
    settings = [f"train={tmp_path / 'train'}"]
    *_, folder = prepare_texts(Preparation(corpus, tmp_path / "out", settings=settings))
    kept = read_set(folder)
    assert folder.name == "train_others" and [r.id for r in kept.recordings] == ["w-dan-1", "w-dan-2"]
    assert {turn.speaker for turn in kept.supervisions} == {"w-dan"}
    write_set(tmp_path / "train", recordings[:1], turns[:1])
    with pytest.raises(MimidiarError, match="nobody is left without the 3 speakers of the trials"):
        prepare_texts(Preparation(corpus, tmp_path / "none", settings=settings))
    assert not (tmp_path / "none").exists()
