"""`mimidiar data turn-sequences` on made-up archives, and the lists of the real ones."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from mimidiar.annotation.rttm import read_rttm
from mimidiar.corpora.turn_sequences import ARCHIVES, LISTS, SCORED_SERIES, list_of_meeting, read_sequences
from mimidiar.errors import MimidiarError
from mimidiar.simulation.turn_statistics import read_statistics

ROOT = Path(__file__).parents[3]
CORPUS = os.environ.get("MIMIDIAR_MINI_CORPUS")
real = pytest.mark.skipif(not CORPUS, reason="needs the references of the mini corpus")

AMI = {"train": ("ES2002a", "ES2003a", "EN2001b", "IN1001"), "dev": ("ES2011a", "IB4001", "IS1008d", "TS3004b")}
GRID = """File type = "ooTextFile"
Object class = "TextGrid"
xmin = 0
xmax = 9
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "Speaker"
        xmin = 0
        xmax = 9
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = {start}
            text = ""
        intervals [2]:
            xmin = {start}
            xmax = 9
            text = "Hello."
"""


def archive(path: Path, files: Mapping[str, str]) -> None:
    with tarfile.open(path, "w:xz") as stream:
        for name, text in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(text)
            stream.addfile(about, io.BytesIO(text.encode()))


def rttm(name: str) -> str:
    """Turns of a that touch, and one of b."""
    spans = ((0, 2, "a"), (2, 3, "a"), (1, 4, "b"))
    return "".join(f"SPEAKER {name} 1 {at} {length} <NA> <NA> {who} <NA> <NA>\n" for at, length, who in spans)


@pytest.fixture
def refs(tmp_path: Path) -> Path:
    """A folder with the three archives, in their layouts."""
    folder = tmp_path / "refs"
    folder.mkdir()
    meetings = {f"only_words/rttms/{part}/{name}.rttm": rttm(name) for part, names in AMI.items() for name in names}
    archive(folder / ARCHIVES["ami"], meetings | {"only_words/rttms/test/ES2004a.rttm": rttm("ES2004a")})
    grids = {
        f"transcripts/day1_consultation{k:02d}_{who}.TextGrid": GRID.format(start=start)
        for k in range(1, 7)
        for who, start in (("doctor", 1), ("patient", 4))
    }
    archive(folder / ARCHIVES["primock57"], grids)
    archive(folder / ARCHIVES["voxconverse"], {"dev/abjxc.rttm": rttm("abjxc"), "test/aepyx.rttm": rttm("aepyx")})
    return folder


def write(refs: Path, out: Path) -> subprocess.CompletedProcess:
    line = ["mimidiar", "data", "turn-sequences", str(refs), str(out)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_each_conversation_is_in_its_list_under_the_name_of_its_corpus(refs: Path, tmp_path: Path) -> None:
    done = write(refs, tmp_path / "out")
    assert done.returncode == 0 and "quick.rttm: 4 recordings" in done.stderr, done.stderr
    found = {name: sorted(read_rttm(tmp_path / f"out/{name}.rttm")) for name in LISTS}
    consultations = [f"primock57-day1_consultation{k:02d}" for k in range(1, 7)]
    assert found == {
        "train": ["ami-ES2002a", "ami-IN1001", *consultations[2:5], "voxconverse-abjxc"],
        "quick": ["ami-ES2011a", "ami-IB4001", consultations[0], consultations[5]],
        "quick_dev": ["ami-IS1008d", "ami-TS3004b", consultations[1]],
    }


def test_turns_of_a_speaker_that_touch_are_one_and_both_sides_of_a_consultation_are_there(refs: Path) -> None:
    quick = read_sequences(refs)["quick"]
    assert [(t.start, t.end, t.speaker) for t in quick["ami-ES2011a"]] == [(0, 5, "a"), (1, 5, "b")]
    consultation = quick["primock57-day1_consultation01"]
    assert [(t.start, t.end, t.speaker) for t in consultation] == [(1, 9, "doctor"), (4, 9, "patient")]


def test_a_missing_or_broken_archive_is_named(refs: Path, tmp_path: Path) -> None:
    (refs / ARCHIVES["primock57"]).write_bytes(b"half")
    broken = write(refs, tmp_path / "out")
    assert broken.returncode == 1 and f"{ARCHIVES['primock57']}: no whole archive" in broken.stderr
    (refs / ARCHIVES["primock57"]).unlink()
    missing = write(refs, tmp_path / "out")
    assert missing.returncode == 1 and f"{refs / ARCHIVES['primock57']}: no such archive" in missing.stderr


def test_a_meeting_of_another_partition_is_refused() -> None:
    with pytest.raises(MimidiarError, match="dev part has the meeting ES2002a, of none of ES2011, IB4, IS1008, TS3004"):
        list_of_meeting("ES2002a", "dev")


def names_in(corpus: str, suffix: str, folder: str = "") -> set[str]:
    with tarfile.open(Path(CORPUS or "") / "refs" / ARCHIVES[corpus]) as stream:
        return {Path(name).stem for name in stream.getnames() if name.endswith(suffix) and folder in name}


@pytest.fixture(scope="module")
def lists() -> dict[str, set[str]]:
    return {name: set(sequences) for name, sequences in read_sequences(Path(CORPUS or "") / "refs").items()}


@real
def test_the_real_lists_share_nothing_and_leave_nothing_out_unnamed(lists: dict[str, set[str]]) -> None:
    every = [name for names in lists.values() for name in names]
    assert len(every) == len(set(every))
    meetings = {name for part in AMI for name in names_in("ami", ".rttm", f"rttms/{part}/")}
    kept = {f"ami-{name}" for name in meetings if name[:-1] not in SCORED_SERIES}
    consultations = {f"primock57-{name.rpartition('_')[0]}" for name in names_in("primock57", ".TextGrid")}
    recordings = {f"voxconverse-{name}" for name in names_in("voxconverse", ".rttm", "dev/")}
    assert (len(meetings), len(consultations), len(recordings)) == (154, 57, 216)
    assert set(every) == kept | consultations | recordings
    assert {len(names & consultations) for names in lists.values()} == {33, 12}


@real
def test_no_series_is_in_two_lists_and_none_of_the_scored_excerpts_in_any(lists: dict[str, set[str]]) -> None:
    rows = (Path(CORPUS or "") / "ami_excerpts/recordings.tsv").read_text().splitlines()
    excerpts = {row.split("\t")[6][:-1] for row in rows[1:]}
    assert excerpts <= set(SCORED_SERIES)
    series = {name: {each[:-1] for each in names if each.startswith("ami-")} for name, names in lists.items()}
    assert not any(name.removeprefix("ami-") in SCORED_SERIES for names in series.values() for name in names)
    assert not series["train"] & (series["quick"] | series["quick_dev"]) and not series["quick"] & series["quick_dev"]


@real
def test_the_committed_statistics_are_those_of_the_training_list(tmp_path: Path) -> None:
    assert write(Path(CORPUS or "") / "refs", tmp_path).returncode == 0
    recipe = ROOT / "egs/mini/diarizer"
    line = [sys.executable, recipe / "local/measure_turns.py", tmp_path / "train.rttm", tmp_path / "turns.yaml"]
    subprocess.run(list(map(str, line)), check=True)
    assert (tmp_path / "turns.yaml").read_text() == (recipe / "conf/turns.yaml").read_text()
    found = read_statistics(recipe / "conf/turns.yaml")
    assert {name: statistics.turns for name, statistics in found.items()} == {"ami": 56535, "primock57": 3410}
