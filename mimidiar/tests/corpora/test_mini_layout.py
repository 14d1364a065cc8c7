"""The layout of the mini corpus: its content, and one message for each possible error."""

from pathlib import Path

import pytest

from mimidiar.corpora.mini import read_mini_corpus
from mimidiar.data.origins import corpus_of_speaker
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.trees import edit, write_pack


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "pack")


def test_everything_is_read(pack: Path) -> None:
    (pack / "words" / "spk2split.tsv").write_text("speaker\tsplit\nw-00\ttrain\nw-01\tdev\n")
    (pack / "words" / "trials_dev.txt").write_text("1 w-01-0 w-01-1\n0 w-01-0 w-02-0\n")
    found = read_mini_corpus(pack)
    assert [u.id for u in found.utterances][:3] == ["w-00-0", "w-00-1", "w-01-0"]
    assert found.utterances[0].corpus == "w" and found.utterances[0].gender == "f"
    assert found.split == {"w-00": "train", "w-01": "dev"}
    assert found.trials == {"trials_dev": [(1, "w-01-0", "w-01-1"), (0, "w-01-0", "w-02-0")]}
    (talk,) = found.conversations["talks"]
    assert [(t.speaker, t.start, t.end) for t in talk.turns] == [("ann", 0.5, 2.5), ("bob", 2.0, 4.5)]
    assert talk.uem == [(0.0, 5.0)]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("words/utts.tsv", "w-00-1\tw-00\t", "w-00-1\tw-00 ", r"utts.tsv:3: 5 columns, expected 6"),
        ("words/utts.tsv", "seconds", "length", r"utts.tsv:1: column 'seconds' is missing"),
        ("words/utts.tsv", "1.000", "-1", r"utts.tsv:2: '-1' is not a number of seconds"),
        ("words/utts.tsv", "w-00-1\tw", "w-00-0\tw", r"utts.tsv:3 \(w-00-0\): the id is used before, in .*utts.tsv:2"),
        ("words/utts.tsv", "w-00-1\tw-00\t", "w-00-1\t\t", r"utts.tsv:3: speaker is ''; a name has"),
        ("words/utts.tsv", "w-00-1\tw-00\t", "w-00-1\tw 00\t", r"utts.tsv:3: speaker is 'w 00'; a name has"),
        ("words/utts.tsv", "w-00-1\t", "w 00 1\t", r"utts.tsv:3: utt_id is 'w 00 1'"),
        ("talks/recordings.tsv", "talk\t", "\t", r"recordings.tsv:2: uri is ''"),
        ("talks/rttm/talk.rttm", "bob", "<NA>", r"talk.rttm, line 2: the turn names no speaker"),
        ("talks/rttm/talk.rttm", " <NA> <NA> bob <NA> <NA>", " bob", r"talk.rttm, line 2: 6 fields"),
        ("talks/rttm/talk.rttm", "2.000 2.500", "2.000 9.500", r"bob at 2.000-11.500 s goes past the end .*5.000 s"),
        ("talks/rttm/talk.rttm", "talk 1 2.0", "walk 1 2.0", r"talk.rttm: it is about recording walk, expected talk"),
        ("talks/uem/talk.uem", "5.000", "6.000", r"talk.uem: region at 0.000-6.000 s goes past the end .*5.000 s"),
        ("talks/uem/talk.uem", "talk 1", "talk", r"talk.uem, line 1: 3 fields"),
    ],
)
def test_a_wrong_line_is_named(pack: Path, file: str, old: str, new: str, message: str) -> None:
    edit(pack / file, old, new)
    with pytest.raises(MimidiarError, match=message):
        read_mini_corpus(pack)


def test_a_table_that_is_no_text_is_named(pack: Path) -> None:
    with (pack / "words" / "utts.tsv").open("ab") as table:
        table.write(b"\xff\xfe")
    with pytest.raises(MimidiarError, match=r"utts.tsv: cannot be read as UTF-8 text .*0xff"):
        read_mini_corpus(pack)


def test_missing_folders_and_files(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match="nowhere: no such corpus folder"):
        read_mini_corpus(tmp_path / "nowhere")
    (pack / "talks" / "uem" / "talk.uem").unlink()
    with pytest.raises(MimidiarError, match=r"talk.uem: no such file"):
        read_mini_corpus(pack)
    (pack / "words" / "utts.tsv").unlink()
    with pytest.raises(MimidiarError, match=r"talk.uem|no folder with a utts.tsv"):
        read_mini_corpus(pack)


def test_trials_and_splits_are_checked(pack: Path) -> None:
    (pack / "words" / "trials_dev.txt").write_text("1 w-00-0 w-00-9\n")
    with pytest.raises(MimidiarError, match=r"trials_dev.txt:1: utterance w-00-9 is in no utts.tsv"):
        read_mini_corpus(pack)
    (pack / "words" / "trials_dev.txt").write_text("yes w-00-0 w-00-1\n")
    with pytest.raises(MimidiarError, match=r"trials_dev.txt, line 1"):
        read_mini_corpus(pack)
    (pack / "words" / "trials_dev.txt").unlink()
    (pack / "words" / "spk2split.tsv").write_text("speaker\tsplit\nw-00\teval\n")
    with pytest.raises(MimidiarError, match=r"spk2split.tsv:2: split 'eval' is none of"):
        read_mini_corpus(pack)


def test_parts_of_one_corpus_share_the_prefix_of_their_speakers() -> None:
    assert corpus_of_speaker("ls-1034", "librispeech_extra") == corpus_of_speaker("ls-7", "librispeech_subset") == "ls"
    assert corpus_of_speaker("vcc16-SF1", "x") == "vcc16"
    assert corpus_of_speaker("1034", "folder") == "folder"
