"""egs/mini/peers without a network: its stages whole, on a peer and a diarizer that are a few lines long; its parts."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import SupervisionSegment

from mimidiar.data.manifests import file_recording, write_set
from mimidiar.report.record import find_records, read_record

ROOT = Path(__file__).parents[4]
RECIPE = ROOT / "egs/mini/peers"

# A peer: `senko` as far as its driver calls it. It hears two speakers in what is louder than a whisper, else nobody.
SENKO = """
class Diarizer:
    def __init__(self, device, warmup):
        assert device == "cpu"
    def diarize_samples(self, samples, sample_rate):
        assert sample_rate == 16000 and samples.dtype == "int16" and samples.ndim == 1
        if abs(samples).max() < 100:
            return None
        spans = [(0.0, 1.0, "SPEAKER_01"), (1.0, 2.5, "SPEAKER_02")]
        return {"merged_segments": [{"start": a, "end": b, "speaker": who} for a, b, who in spans]}
"""
# `mimidiar diarize --model M --format rttm -o OUT FILES`: one speaker throughout; every other command is the real one.
MIMIDIAR = """#!/bin/bash
if [[ $1 != diarize ]]; then exec "$REAL_MIMIDIAR" "$@"; fi
[[ "$2 $4 $5 $6" == "--model --format rttm -o" ]] || exit 9
for file in "${@:8}"; do
  name=$(basename "$file" .flac)
  echo "SPEAKER $name 1 0.000 2.500 <NA> <NA> spk0 <NA> <NA>" > "$7/$name.rttm"
done
"""


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data/chain_test (two recordings of two speakers), an installed peer, and a diarizer's file."""
    recordings, turns = [], []
    for name, loudness in (("a", 5000), ("b", 6000)):
        path = tmp_path / f"audio/{name}.flac"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, np.full(40000, loudness, np.int16), 16000)
        recordings.append(file_recording(name, path, 16000, 40000))
        turns += [SupervisionSegment(f"{name}1", name, 0.0, 1.0, speaker=f"{name}x")]
        turns += [SupervisionSegment(f"{name}2", name, 1.0, 1.5, speaker=f"{name}y")]
    write_set(tmp_path / "data/chain_test", recordings, turns)
    env = tmp_path / "exp/env/senko"
    program(tmp_path / "lib/senko.py", SENKO)
    program(tmp_path / "lib/torch.py", "def set_num_threads(number): assert number >= 1\n")
    program(env / "venv/bin/python", f'#!/bin/sh\nPYTHONPATH={tmp_path}/lib exec {sys.executable} "$@"\n')
    (env / "package.json").write_text('{"package": "senko", "version": "0.2.2"}')
    (tmp_path / "small.v1.safetensors").write_bytes(b"weights")
    monkeypatch.setenv("REAL_MIMIDIAR", str(shutil.which("mimidiar")))
    program(tmp_path / "bin/mimidiar", MIMIDIAR)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}:{ROOT}/utils")  # in PATH: path.sh adds nothing
    return tmp_path


def recipe(place: Path, *options: object) -> subprocess.CompletedProcess:
    line = [RECIPE / "run.sh", "--data", place / "data", "--exp", place / "exp", "--corpus", "", *options]
    return subprocess.run(list(map(str, line)), capture_output=True, text=True, check=False, env=os.environ)


@pytest.mark.long
def test_a_peer_and_ours_are_run_scored_recorded_and_shown_side_by_side(place: Path) -> None:
    ours = place / "small.v1.safetensors"
    asked = ["--stage", 5, "--sets", "chain_test", "--models", ours, "--rounds", 2, "--cores", 1]
    done = recipe(place, *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = {line.split("|")[1].strip(): line for line in done.stdout.splitlines() if line.startswith("| s")}
    assert set(shown) >= {"senko", "small-v1"}
    assert "small-v1: " in done.stdout and "rough, with so few recordings" in done.stdout
    found = {(r.system, r.protocol): r for r in map(read_record, find_records([place / "exp"]))}
    assert set(found) == {(f"peers-{s}", p) for s in ("senko", "small-v1") for p in ("collar0", "collar0.25", "cost")}
    senko, small = found["peers-senko", "collar0"], found["peers-small-v1", "collar0"]
    assert senko.metrics["der"] == 0 and senko.metrics["speaker_count_accuracy"] == 100
    assert small.metrics["der"] == small.metrics["confusion"] == 40 and small.metrics["speaker_count_accuracy"] == 0
    assert senko.lineage["packages"] == [{"package": "senko", "version": "0.2.2"}]
    assert len(small.lineage["models"]) == 1 and "packages" not in small.lineage
    assert found["peers-small-v1", "cost"].conditions["reference"] == "senko"
    assert "skipped" in recipe(place, *asked).stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--models", "no-such"], "no diarizer 'no-such': there is no ../../../mimidiar/assets/no-such.safetensors"),
        (["--peers", "whisper"], "no peer 'whisper'; there are: senko"),
        (["--peers", "", "--models", ""], "nothing to compare; name --models or --peers"),
    ],
)
def test_what_cannot_be_compared_is_named(place: Path, options: list[str], words: str) -> None:
    done = recipe(place, "--stage", 5, "--sets", "chain_test", *options)
    assert done.returncode == 1 and words in done.stderr, done.stderr


def test_sets_that_follow_real_conversations_are_left_out_without_references_of_any(place: Path) -> None:
    asked = ["--sets", "quick crowd_dev", "--models", "", "--stage"]
    made = recipe(place, *asked, 2, "--stop-stage", 2)
    assert made.returncode == 0, made.stderr
    assert "left out: quick quick_dev crowd crowd_dev; they follow real conversations" in made.stdout
    scored = recipe(place, *asked, 5, "--stop-stage", 5)
    assert scored.returncode == 0, scored.stderr
    assert [path.name for path in (place / "data").iterdir()] == ["chain_test"]


def test_a_peer_before_its_environment_names_the_stage_to_run(place: Path) -> None:
    shutil.rmtree(place / "exp/env/senko")
    done = recipe(place, "--stage", 5, "--sets", "chain_test", "--models", "")
    assert done.returncode == 1 and "run stage 4 first (--stage 4): it comes before stage 5" in done.stderr


def driver(place: Path, *files: Path) -> Path:
    out = place / "answers"
    line = [place / "exp/env/senko/venv/bin/python", RECIPE / "local/senko_diarize.py", "-o", out, *files]
    subprocess.run(list(map(str, line)), check=True)
    return out


def test_the_driver_writes_what_the_peer_says_and_an_empty_file_where_it_hears_nobody(place: Path) -> None:
    quiet = place / "audio/quiet.flac"
    soundfile.write(quiet, np.zeros(16000, np.int16), 16000)
    out = driver(place, place / "audio/a.flac", quiet)
    assert (out / "quiet.rttm").read_text() == ""
    assert (out / "a.rttm").read_text().splitlines() == [
        "SPEAKER a 1 0.000 1.000 <NA> <NA> SPEAKER_01 <NA> <NA>",
        "SPEAKER a 1 1.000 1.500 <NA> <NA> SPEAKER_02 <NA> <NA>",
    ]


UV = r"""#!/bin/bash
echo "$*" >> "$NOTES"
if [[ $1 == venv ]]; then
  mkdir -p "${@: -1}/bin" "${@: -1}/lib"
  printf '#!/bin/sh\nexec %s "$@"\n' "$REAL_PYTHON" > "${@: -1}/bin/python"; chmod +x "${@: -1}/bin/python"
elif [[ -f $NOTES.fail ]]; then cat "$NOTES.fail" >&2; exit 2
fi
"""


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Call install_peer.sh with a uv that only notes its calls; packages are then those of this environment."""
    program(tmp_path / "bin/uv", UV)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("REAL_PYTHON", sys.executable)
    (tmp_path / "x.lock").write_text("numpy==1\n")
    (tmp_path / "env").mkdir()

    def call() -> subprocess.CompletedProcess:
        line = [RECIPE / "local/install_peer.sh", "numpy", tmp_path / "x.lock", tmp_path / "env"]
        return subprocess.run(list(map(str, line)), capture_output=True, text=True, check=False)

    return call


def test_a_peer_is_installed_from_its_lock_alone(installer, tmp_path: Path) -> None:
    assert installer().returncode == 0
    venv, packages = (tmp_path / "notes").read_text().splitlines()
    assert "--clear" in venv and venv.endswith(f"{tmp_path}/env/venv")
    assert "--no-deps" in packages and packages.endswith(f"-r {tmp_path}/x.lock")
    assert json.loads((tmp_path / "env/package.json").read_text()) == {"package": "numpy", "version": np.__version__}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("error: Failed to fetch: `https://index/simple/numpy/`", "the package index cannot be reached"),
        ("error: failed to write: No space left on device", "no space left for numpy: it takes about"),
        ("error: No matching distribution", "numpy cannot be installed from"),
    ],
)
def test_a_peer_that_cannot_be_installed_says_why_and_leaves_no_mark(
    installer, tmp_path: Path, said: str, words: str
) -> None:
    (tmp_path / "env/package.json").write_text("{}")  # of an earlier one
    (tmp_path / "notes.fail").write_text(said)
    done = installer()
    assert done.returncode == 1 and words in done.stderr and said in done.stderr
    assert not (tmp_path / "env/package.json").exists()


def test_the_lock_names_one_version_of_the_peer_and_the_torch_of_ours() -> None:
    def pins(path: Path) -> dict[str, str]:
        lines = [
            line.split(";")[0].strip() for line in path.read_text().splitlines() if "==" in line and line[0] != "#"
        ]
        return dict(line.split("==") for line in lines)

    theirs, ours = pins(RECIPE / "conf/senko.lock"), pins(ROOT / "tools/requirements.lock")
    assert theirs["senko"] == "0.2.2" and theirs["torch"] == ours["torch"] and theirs["numpy"] == ours["numpy"]
