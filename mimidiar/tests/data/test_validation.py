"""Set folders: written and read back, and every problem named."""

import gzip
from pathlib import Path

import pytest
from lhotse import SupervisionSegment
from lhotse.supervision import AlignmentItem

from mimidiar.data.manifests import file_recording, read_set, write_set
from mimidiar.data.validation import find_problems, require_valid, set_folders
from mimidiar.errors import MimidiarError
from mimidiar.tests.corpora.trees import edit, write_audio

Turn = tuple[str, float, float]
GOOD: list[Turn] = [("ann", 0.0, 1.0), ("bob", 0.5, 1.0), ("ann", 1.0, 0.5)]


def make_set(folder: Path, turns: list[Turn], name: str = "talk", **options) -> Path:
    audio = write_audio(folder.parent / f"{name}.flac", 2.0)
    segments = [SupervisionSegment(f"{name}-{k}", name, s, d, speaker=who) for k, (who, s, d) in enumerate(turns)]
    write_set(folder, [file_recording(name, audio, 16000, 32000)], segments, **options)
    return folder


def test_written_twice_the_bytes_are_the_same(tmp_path: Path) -> None:
    first = make_set(tmp_path / "a", GOOD, trials=[(1, "talk", "talk")])
    bytes_of = {p.name: p.read_bytes() for p in first.iterdir()}
    assert set(bytes_of) == {
        "recordings.jsonl.gz", "supervisions.jsonl.gz", "cuts.jsonl.gz", "ref.rttm", "all.uem", "trials",
    }  # fmt: skip
    make_set(tmp_path / "a", GOOD, trials=[(1, "talk", "talk")])
    assert {p.name: p.read_bytes() for p in first.iterdir()} == bytes_of
    assert bytes_of["all.uem"] == b"talk 1 0.000 2.000\n"
    assert bytes_of["ref.rttm"].splitlines()[1] == b"SPEAKER talk 1 0.500 1.000 <NA> <NA> bob <NA> <NA>"


def test_read_back_and_by_lhotse_itself(tmp_path: Path) -> None:
    from lhotse import CutSet, RecordingSet

    folder = make_set(tmp_path / "a", GOOD)
    found = read_set(folder)
    assert [s.speaker for s in found.supervisions] == ["ann", "bob", "ann"] and found.trials is None
    (recording,) = RecordingSet.from_file(folder / "recordings.jsonl.gz")
    assert recording.id == "talk" and recording.duration == 2.0
    (cut,) = CutSet.from_file(folder / "cuts.jsonl.gz")
    assert cut.id == "talk" and len(cut.supervisions) == 3
    require_valid([folder])


def test_speech_segments_become_the_rttm_of_an_utterance(tmp_path: Path) -> None:
    audio = write_audio(tmp_path / "u.flac", 2.0)
    items = [AlignmentItem("speech", 0.25, 0.5), AlignmentItem("speech", 1.0, 0.75)]
    segment = SupervisionSegment("u", "u", 0, 2.0, speaker="ann", alignment={"vad": items})
    write_set(tmp_path / "a", [file_recording("u", audio, 16000, 32000)], [segment])
    assert [line.split()[3:5] for line in (tmp_path / "a" / "ref.rttm").read_text().splitlines()] == [
        ["0.250", "0.500"],
        ["1.000", "0.750"],
    ]


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([("ann", 1.5, 1.0)], "turn talk-0 of 'ann' is at 1.500-2.500 s, but the recording lasts 2.000 s"),
        ([("ann", 0.0, 1.0), ("ann", 0.5, 1.0)], "begins at 0.500 s, before their last turn ends .1.000 s."),
    ],
)
def test_wrong_turns(tmp_path: Path, turns: list[Turn], message: str) -> None:
    with pytest.raises(MimidiarError, match=message):
        require_valid([make_set(tmp_path / "a", turns)])


def test_wrong_uem_and_missing_audio(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "a", GOOD, uem={"talk": [(0.0, 3.0)]})
    (tmp_path / "talk.flac").unlink()
    problems = find_problems([folder])
    assert len(problems) == 2
    assert "talk.flac does not exist" in problems[0] and "0.000-3.000 s is not within the recording" in problems[1]


def test_reference_and_trials_are_about_the_recordings(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "a", GOOD, trials=[(1, "talk-0", "talk-1"), (0, "talk-0", "talk-9")])
    (problem,) = find_problems([folder])
    assert "trials: 1 name(s) of no utterance here, talk-9 for one" in problem
    (folder / "trials").unlink()
    edit(folder / "ref.rttm", "SPEAKER talk 1 0.500 1.000", "SPEAKER walk 1 0.500 1.000")
    edit(folder / "ref.rttm", "1.000 0.500", "1.000 2.500")
    talk, walk = find_problems([folder])
    assert "ref.rttm: talk has a turn until 3.500 s, but lasts 2.000 s" in talk
    assert "ref.rttm: there is no recording walk" in walk


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"id": "talk-0", "recording_id": "talk", "duration": 1}', "line 1: no SupervisionSegment of lhotse"),
        ('["talk-0", "talk", 0, 1]', "line 1: no SupervisionSegment of lhotse"),
        ('{"id": "s", "recording_id": "talk", "start": "0", "duration": 1}', "line 1: no SupervisionSegment of lhotse"),
        ('{"id": "s", "recording_id": "talk", "start": NaN, "duration": 1}', "line 1: s has a time that is not finite"),
    ],
)
def test_a_row_that_is_no_supervision_is_named(tmp_path: Path, row: str, message: str) -> None:
    folder = make_set(tmp_path / "a", GOOD)
    (folder / "supervisions.jsonl.gz").write_bytes(gzip.compress(row.encode() + b"\n"))
    with pytest.raises(MimidiarError, match=rf"supervisions.jsonl.gz, {message}"):
        require_valid([folder])


def test_a_damaged_gzip_is_named(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "a", GOOD * 50)
    whole = (folder / "supervisions.jsonl.gz").read_bytes()
    (folder / "supervisions.jsonl.gz").write_bytes(whole[:60] + b"\xff" * 9 + whole[69:])
    with pytest.raises(MimidiarError, match=r"supervisions.jsonl.gz: broken after line"):
        read_set(folder)


def test_an_interrupted_rewrite_leaves_no_folder_with_recordings(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "a", GOOD)
    with pytest.raises(MimidiarError, match="white space"):
        make_set(folder, [("ann smith", 0.0, 1.0)])
    assert not (folder / "recordings.jsonl.gz").exists()
    (folder / ".all.4375.partial.uem").touch()  # what kill -9 leaves
    make_set(folder, GOOD)
    assert not list(folder.glob(".*"))


def test_of_all_in_a_data_folder_the_sets_are_checked(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "data" / "a", GOOD)
    (tmp_path / "data" / "log").mkdir()
    (tmp_path / "data" / "corpus.json").touch()
    half = tmp_path / "data" / "half"
    half.mkdir()
    (half / "ref.rttm").touch()  # an interrupted run: not passed over
    assert set_folders(sorted((tmp_path / "data").iterdir())) == [folder, half]
    with pytest.raises(MimidiarError, match=r"log: no set here, recordings.jsonl.gz is missing"):
        set_folders([tmp_path / "data" / "log"])


def test_audio_of_another_length(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "a", GOOD)
    write_audio(tmp_path / "talk.flac", 1.0)
    assert "has 16000 samples at 16000 Hz, the manifest says 32000" in find_problems([folder])[0]


def test_train_dev_and_test_share_no_speaker(tmp_path: Path) -> None:
    train = make_set(tmp_path / "sim_train", GOOD, "one")
    test = make_set(tmp_path / "test", [("bob", 0.0, 1.0)], "two")
    trials = make_set(tmp_path / "trials_x", [("bob", 0.0, 1.0)], "two")
    for name in ("trials_dev", "quiet_trials_dev", "far_trials_test"):
        assert find_problems([make_set(tmp_path / name, [("bob", 0.0, 1.0)], "two"), test]) == []
    assert len(find_problems([train, test])) == 1
    assert len(find_problems([make_set(tmp_path / "sim_train_two", GOOD, "one"), test])) == 1
    assert len(find_problems([make_set(tmp_path / "far_eval", [("bob", 0.0, 1.0)], "two"), test])) == 2
    assert "share 1 speaker(s), bob for one" in find_problems([train, trials])[0]
    require_valid([test, trials])
    require_valid([train, test], allow_shared=True)


def test_only_the_first_problems_are_listed(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "a", [(f"s{k}", 5.0, 1.0) for k in range(25)])
    with pytest.raises(MimidiarError, match=r"25 problem\(s\)[\s\S]*and 5 more"):
        require_valid([folder])


def test_a_broken_or_missing_manifest_is_named(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "a", GOOD)
    edit(folder / "all.uem", "talk 1", "talk")
    with pytest.raises(MimidiarError, match=r"all.uem, line 1: 3 fields"):
        read_set(folder)
    (folder / "recordings.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(MimidiarError, match=r"recordings.jsonl.gz: broken after line 0"):
        read_set(folder)
    (folder / "recordings.jsonl.gz").unlink()
    with pytest.raises(MimidiarError, match=r"recordings.jsonl.gz: no such manifest; run stage 1"):
        read_set(folder)
