"""`mimidiar score`, `verify` and `eval baseline` from outside: what they print, write and import."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.score import from_files
from mimidiar.score.diarization import CONVENTIONS

MAIN = "from mimidiar.cli import main; main()"
TURNS = "SPEAKER {0} 1 0.0 6.0 <NA> <NA> x <NA> <NA>\nSPEAKER {0} 1 6.0 4.0 <NA> <NA> y <NA> <NA>\n"


def run(*args) -> Result:
    """One command in this process, which must succeed."""
    done = CliRunner().invoke(cli, [str(arg) for arg in args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def mimidiar(*args, code: str = MAIN) -> subprocess.CompletedProcess:
    """One command in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def data(tmp_path):
    (tmp_path / "ref").mkdir()
    for name in ("one", "two"):
        (tmp_path / "ref" / f"{name}.rttm").write_text(TURNS.format(name))
    (tmp_path / "hyp.rttm").write_text(TURNS.format("one").replace(" y ", " x ") + TURNS.format("two"))
    (tmp_path / "all.uem").write_text("one 1 0 12\ntwo 1 0 12\n")
    return tmp_path


def test_score_prints_and_writes(data):
    out = data / "scored"
    done = mimidiar("score", data / "ref", data / "hyp.rttm", "--uem", data / "all.uem", "-o", out, "--name", "mine")
    assert done.returncode == 0, done.stderr
    assert "TOTAL" in done.stdout
    document = json.loads((out / "score.json").read_text())
    assert document["der"] == document["confusion"] == 20.0
    assert (document["miss"], document["false_alarm"], document["n_recordings"]) == (0, 0, 2)
    assert document["seconds"]["reference"] == 20.0
    assert document["speaker_count_accuracy"] == 50.0
    assert document["system"] == "mine"
    assert document["kind"] == "diarization"
    assert document["intervals"]["der"] == {"low": 0.0, "high": 40.0, "level": 0.95}
    assert document["by_speakers"]["2"]["n_recordings"] == 2
    assert document["by_speakers"]["2"]["der"] == 20.0
    assert document["overlap_f1"] is None
    assert document["warnings"] == ["only 2 recordings: the intervals are rough, and rather too narrow"]
    protocol = document["protocol"]
    assert (protocol["collar"], protocol["skip_overlap"], protocol["extent"]) == (0.0, False, "UEM")
    assert len(protocol["reference_sha256"]) == len(protocol["uem_sha256"]) == 64
    assert protocol["scorer"].startswith("pyannote.metrics ")
    assert protocol["conventions"] == CONVENTIONS
    rows = list(csv.DictReader((out / "per_recording.csv").open()))
    assert [(row["recording"], float(row["der"])) for row in rows] == [("one", 40.0), ("two", 0.0)]


def test_several_collars_are_scored_as_each_alone(data):
    both, alone = data / "both", data / "alone"
    done = run("score", data / "ref", data / "hyp.rttm", "--collar", "0", "--collar", "0.25", "-o", both)
    for collar in ("0", "0.25"):
        own = run("score", data / "ref", data / "hyp.rttm", "--collar", collar, "-o", alone / collar)
        assert own.stdout.partition("written: ")[0] in done.stdout
        for name in ("score.json", "per_recording.csv"):
            assert (both / f"collar{collar}" / name).read_text() == (alone / collar / name).read_text()
    assert {path.name for path in both.iterdir()} == {"collar0", "collar0.25"}
    wrong = mimidiar("score", data / "ref", data / "hyp.rttm", "--collar", "0", "--collar", "-1", "-o", data / "wrong")
    assert wrong.returncode == 1 and not (data / "wrong").exists()


def test_several_collars_read_and_warn_once(data, monkeypatch):
    read, times = from_files.read_turns, []
    monkeypatch.setattr(from_files, "read_turns", lambda path, *more: times.append(path) or read(path, *more))
    (data / "hyp.rttm").write_text(TURNS.format("one") + "SPEAKER one 1 9 0 <NA> <NA> x <NA> <NA>\n")
    done = run("score", data / "ref", data / "hyp.rttm", "--collar", "0", "--collar", "0.25", "-o", data / "out")
    assert times == [data / "ref", data / "hyp.rttm"]
    said = done.stderr.splitlines()
    assert len(said) == len(set(said)) == 3 and all(line.startswith("warning: ") for line in said)
    kept = [json.loads((data / "out" / f"collar{c}" / "score.json").read_text())["warnings"] for c in ("0", "0.25")]
    assert kept[0] == kept[1] == [line.removeprefix("warning: ") for line in said]


def test_the_collar_and_the_extent_are_stated(data):
    done = run("score", data / "ref", data / "hyp.rttm", "--collar", "0.25", "--skip-overlap")
    assert "collar +-0.25 s around each reference border (md-eval); overlap skipped" in done.stdout
    assert "no UEM given" in done.stdout


def test_same_input_same_bytes(data):
    for name in ("a", "b"):
        run("score", data / "ref", data / "hyp.rttm", "-o", data / name)
    for file in ("score.json", "per_recording.csv"):
        assert (data / "a" / file).read_bytes() == (data / "b" / file).read_bytes()


@pytest.mark.parametrize(
    ("content", "says"),
    [("SPEAKER one 1 0.0\n", "line 1: 4 fields"), (TURNS.format("three"), "'three'"), ("\0\1", "no RTTM line type")],
)
def test_bad_input_is_one_line_and_leaves_nothing(data, content, says):
    (data / "bad.rttm").write_text(content)
    done = mimidiar("score", data / "ref", data / "bad.rttm", "-o", data / "out")
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (data / "out").exists()


def test_a_recording_without_hypothesis_is_a_warning(data):
    (data / "hyp.rttm").write_text(TURNS.format("one"))
    done = run("score", data / "ref", data / "hyp.rttm")
    assert "warning: no hypothesis for recording 'two'" in done.stderr


def test_floor_and_score_go_together(data):
    for kind in ("always-one", "oracle-vad-one", "random-order"):
        out = data / f"{kind}.rttm"
        run("floor", kind, data / "ref", "-o", out, "--uem", data / "all.uem")
        assert "TOTAL" in run("score", data / "ref", out, "--uem", data / "all.uem").stdout


@pytest.mark.parametrize("at", [1, 2, 4])
def test_a_pipe_is_refused_before_it_is_read(data, at):
    """All pipes would have the hash of nothing, and so be one reference."""
    os.mkfifo(data / "pipe.rttm")  # opened, it would wait for a writer for ever
    command = ["score", data / "ref", data / "hyp.rttm", "--uem", data / "all.uem"]
    command[at] = data / "pipe.rttm"
    with pytest.raises(MimidiarError, match=r"pipe\.rttm: this is a pipe or a device.*write it to a file"):
        run(*command)
    with pytest.raises(MimidiarError, match=r"pipe\.rttm: this is a pipe"):
        run("verify", *[data / "hyp.rttm", data / "pipe.rttm"][:: 1 if at == 1 else -1])


def test_verify_prints_and_writes(data):
    (data / "trials").write_text("1 a b\n1 a c\n0 a d\n0 b d\n")
    (data / "scores").write_text("a b 0.9\na c 0.3\na d 0.4\nb d 0.1\n")
    done = run("verify", data / "scores", data / "trials", "-o", data / "v")
    document = json.loads((data / "v" / "score.json").read_text())
    assert document["eer"] == 50.0
    assert {"min_dcf_0.01", "min_dcf_0.05", "mean_target", "mean_nontarget", "n_target", "n_nontarget"} < set(document)
    assert len(document["protocol"]["trials_sha256"]) == 64
    assert "EER" in done.stdout


def test_neither_torch_nor_lhotse_is_loaded(data):
    """And of pyannote, which brings pandas and matplotlib, nothing for a help text or trials."""
    code = (
        "import sys, mimidiar.cli.score, mimidiar.cli.eval, mimidiar.score.bootstrap, mimidiar.score.verification\n"
        "from mimidiar.cli import cli\n"
        "try: cli(standalone_mode=False)\n"
        "finally: assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)\n"
    )
    heavy, pyannote = {"torch", "lhotse", "sklearn"}, {"pyannote.core", "pandas", "matplotlib"}
    score = ("score", data / "ref", data / "hyp.rttm")
    for command, unwanted in (
        (score, heavy),
        (("score", "--help"), heavy | pyannote),
        (("verify", "--help"), heavy | pyannote),
    ):
        done = mimidiar(*command, code=code.format(heavy=unwanted))
        assert done.returncode == 0, done.stderr


def test_the_benchmark_compares_with_a_plain_loop_that_finds_the_same():
    script = Path(__file__).parents[3] / "tools" / "bench" / "score.py"
    done = subprocess.run([script, "--recordings", "3", "--repeats", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("3 recordings, ")
    assert all(" x wall" in line for line in lines[2:4])
    commands = ["score", "score --help", "score, two turns", "verify, 37611 trials"]
    assert [line.partition(", from start to end: ")[0] for line in lines[4:]] == [f"mimidiar {c}" for c in commands]
