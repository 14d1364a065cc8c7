"""`mimidiar study bench` from outside, on diarizers that are a few lines long, and its figures by hand."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lhotse import SupervisionSegment

from mimidiar.annotation.rttm import read_rttm
from mimidiar.audio.corpus_audio import write_flac
from mimidiar.data.manifests import file_recording, write_set
from mimidiar.files import sha256_file
from mimidiar.report.record import find_records, read_record
from mimidiar.studies.bench.process import Usage
from mimidiar.studies.bench.systems import Round, cost_document

# Says that `who` speaks from 0 to 1 s of each file, and notes how it was called.
DIARIZER = """
import sys, time
from pathlib import Path
time.sleep(0.2)  # several looks at its memory
who, out, *files = sys.argv[1:]
Path(out).mkdir(exist_ok=True)
with open(Path(__file__).with_name("called"), "a") as note:
    print(who, len(files), file=note)
for name in files:
    stem = Path(name).stem
    line = f"SPEAKER {stem} 1 0.0 1.0 <NA> <NA> {who} <NA> <NA>"
    Path(out, f"{stem}.rttm").write_text("" if stem in who else line + chr(10))
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Recordings a and b of 2 and 4 s, in each of which somebody speaks in the first second."""
    recordings = []
    for name, seconds in (("a", 2), ("b", 4)):
        write_flac(tmp_path / f"audio/{name}.flac", np.full(16000 * seconds, 100, np.int16))
        recordings.append(file_recording(name, tmp_path / f"audio/{name}.flac", 16000, 16000 * seconds))
    turns = [SupervisionSegment(f"{name}-1", name, 0.0, 1.0, speaker="s") for name in "ab"]
    write_set(tmp_path / "data", recordings, turns)
    (tmp_path / "diarizer.py").write_text(DIARIZER)
    return tmp_path / "data"


def command(data: Path, who: str) -> str:
    return shlex.join([sys.executable, str(data.parent / "diarizer.py"), who]) + " {out} {files}"


def mimidiar(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run(["mimidiar", *map(str, words)], capture_output=True, text=True, check=False)


def bench(data: Path, *words: object) -> subprocess.CompletedProcess:
    return mimidiar("bench", data, data.parent / "out", "--cores", 1, *words)


def called(data: Path) -> list[str]:
    return (data.parent / "called").read_text().splitlines()


def test_systems_take_turns_and_each_answers_for_each_file(data: Path) -> None:
    systems = ["--system", "one", command(data, "x"), "--system", "two", command(data, "b")]
    done = bench(data, *systems, "--rounds", 2)
    assert done.returncode == 0, done.stderr
    assert called(data) == ["x 1", "b 1"] + ["x 1", "b 1", "x 2", "b 2"] * 2  # those before the rounds do not count
    out = data.parent / "out"
    assert {name: turns[0].speaker for name, turns in read_rttm(out / "one/hyp.rttm").items()} == {"a": "x", "b": "x"}
    assert list(read_rttm(out / "two/hyp.rttm")) == ["a"]
    costs = {name: json.loads((out / name / "cost/score.json").read_text()) for name in ("one", "two")}
    assert costs["one"]["protocol"] == costs["two"]["protocol"]
    assert costs["one"]["audio_sec"] == 6 and costs["one"]["wall_ratio"] == 1 and costs["two"]["wall_ratio"] > 0
    assert costs["one"]["peak_mb"] > 3 and costs["one"]["intervals"]["wall_rtf"]["level"] == 1


def test_what_is_finished_is_not_run_again(data: Path) -> None:
    systems = ["--system", "one", command(data, "x")]
    bench(data, *systems, "--rounds", 2)
    shutil.rmtree(data.parent / "out/one/runs/all.2")
    assert bench(data, *systems, "--rounds", 2).returncode == 0
    assert called(data) == ["x 1"] + ["x 1", "x 2"] * 2 + ["x 1", "x 2"]


def test_a_record_says_which_package_and_which_weights_were_at_work(data: Path) -> None:
    env, weights, out = data.parent / "env", data.parent / "w.safetensors", data.parent / "out"
    env.mkdir()
    (env / "package.json").write_text('{"package": "p", "version": "1.2"}')
    weights.write_bytes(b"weights")
    systems = ["--system", "theirs", command(data, "x"), "--system", "ours", command(data, "a")]
    done = bench(data, *systems, "--package", "theirs", env, "--weights", "ours", weights, "--rounds", 1)
    assert done.returncode == 0, done.stderr
    for name in ("theirs", "ours"):
        mimidiar(
            "score", data / "ref.rttm", out / name / "hyp.rttm", "--uem", data / "all.uem", "-o", out / name / "collar0"
        )
        done = mimidiar("record", out / name / "collar0", out / name / "cost", "--system", name, "--set", "data")
        assert done.returncode == 0, done.stderr
    records = {(record.system, record.protocol): record for record in map(read_record, find_records([out]))}
    for protocol in ("collar0", "cost"):
        theirs, ours = (records[name, protocol].lineage for name in ("theirs", "ours"))
        assert theirs["packages"] == [{"package": "p", "version": "1.2"}] and theirs["models"] == []
        assert "packages" not in ours and [m["sha256"] for m in ours["models"]] == [sha256_file(weights)]
    assert records["theirs", "collar0"].metrics["der"] == 0 and records["ours", "collar0"].metrics["der"] == 50
    assert records["ours", "cost"].kind == "cost" and records["ours", "cost"].conditions["cores"] == 1


@pytest.mark.parametrize(
    ("systems", "words"),
    [
        ([("one", "true {files}")], "system one: no words {files} and {out} in its command: true {files}"),
        ([("one", "true {out} {files}")], "one: no a.rttm for"),
        ([("one", "false {out} {files}")], "false: ended with code 1"),
        ([("one", "true {out} {files}")] * 2, "two systems have the name one"),
    ],
)
def test_a_system_that_does_not_answer_is_named(data: Path, systems: list[tuple[str, str]], words: str) -> None:
    done = bench(data, *(word for system in systems for word in ("--system", *system)))
    assert done.returncode == 1 and words in done.stderr and not (data.parent / "out/one/hyp.rttm").exists()


def test_a_package_of_no_system_is_refused(data: Path) -> None:
    done = bench(data, "--system", "one", "true {out} {files}", "--package", "two", data)
    assert done.returncode == 1 and "no --system has the name two; there are one" in done.stderr


def test_start_up_is_what_the_first_file_takes_more_than_the_rate_of_the_others() -> None:
    """A system that takes 5 s to start and a tenth of the audio's length, in three rounds of which one is slower."""

    def rounds(start: float, *rates: float) -> list[Round]:
        usages = [
            [Usage(start + rate * sec, 2 * (start + rate * sec), 100.0) for sec in (30.0, 360.0)] for rate in rates
        ]
        return [Round(12, 360.0, whole, 30.0, first) for first, whole in usages]

    found = cost_document(rounds(5, 0.1, 0.1, 0.2), rounds(5, 0.1, 0.2, 0.2), "other")
    assert found["wall_rtf_further"] == pytest.approx(0.1) and found["cpu_rtf_further"] == pytest.approx(0.2)
    assert found["startup_wall_sec"] == pytest.approx(5) and found["startup_cpu_sec"] == pytest.approx(10)
    assert found["wall_rtf"] == pytest.approx((5 + 36) / 360, abs=1e-6)
    low, high = (found["intervals"]["wall_rtf"][end] for end in ("low", "high"))
    assert (low, high) == pytest.approx(((5 + 36) / 360, (5 + 72) / 360), abs=1e-6)
    assert found["wall_ratio"] == 1 and found["intervals"]["wall_ratio"]["low"] == pytest.approx(41 / 77, abs=1e-6)


def test_a_first_file_that_took_longer_than_all_is_warned_of() -> None:
    good = Round(2, 20.0, Usage(4.0, 4.0, 1.0), 10.0, Usage(3.0, 3.0, 1.0))
    odd = Round(2, 20.0, Usage(4.0, 4.0, 1.0), 10.0, Usage(9.0, 3.0, 1.0))
    warnings = cost_document([good, odd], [good, good], "x")["warnings"]
    assert warnings == ["round 2: the first file alone took longer than all; the rate without start-up means nothing"]
    assert cost_document([good], [good], "x")["warnings"] == []


def test_one_file_or_one_round_gives_no_rate_and_no_range_that_is_not_there() -> None:
    own = [Round(1, 10.0, Usage(1.0, 1.0, 1.0), 10.0, None)]
    found = cost_document(own, own, "x")
    assert found["intervals"] == {} and found["wall_rtf"] == 0.1 and "wall_rtf_further" not in found
