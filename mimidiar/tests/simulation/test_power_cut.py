"""A simulation that was cut off anywhere: the same command again gives the bytes of one that was never disturbed."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mimidiar.files import HOST
from mimidiar.simulation import nemo_sets as sets
from mimidiar.tests.simulation.turn_taking import contents, options
from mimidiar.tests.utils.conftest import ROOT, env

__all__ = ["env"]  # a fixture

DEAD = f"{HOST}.4194399"  # no process has this number
SETTINGS = {"conversations": 6, "seconds": 12, "speakers": [2], "join_gap_sec": 0.0}


def nothing_but_half_a_plan(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / f".plan.{DEAD}.partial.json").write_text("{")


def half_of_the_plan_of_a_second_job(folder: Path) -> None:
    unfinished(folder)
    (folder / f".plan.{DEAD}.partial.json").write_text("{")


def audio_without_its_turns(folder: Path) -> None:
    _, last = unfinished(folder)
    last.unlink()


def half_of_the_audio(folder: Path) -> None:
    audio, turns = unfinished(folder)
    turns.unlink()
    half = audio.rename(audio.with_name(f".{audio.stem}.{DEAD}.partial.flac"))
    os.truncate(half, half.stat().st_size // 2)


def half_of_the_turns(folder: Path) -> None:
    _, turns = unfinished(folder)
    half = turns.rename(turns.with_name(f".{turns.stem}.{DEAD}.partial.rttm"))
    os.truncate(half, half.stat().st_size // 2)


def all_but_the_end(folder: Path) -> None:
    unfinished(folder)
    (folder / f".simulation.{DEAD}.partial.json").write_text("{")


def half_of_the_finish(folder: Path) -> None:
    (folder / "simulation.json").unlink()
    (folder / f".ref.{DEAD}.partial.rttm").write_text("SPEAKER")
    (folder / "all.uem").unlink()


def unfinished(folder: Path) -> tuple[Path, Path]:
    """Audio and turns of the last conversation; what the finish wrote is gone."""
    for path in folder.iterdir():
        if path.is_file() and path.name != "plan.json":
            path.unlink()
    return max((folder / "wav").iterdir()), max((folder / "rttm").iterdir())


@pytest.mark.parametrize(
    "cut",
    [
        nothing_but_half_a_plan,
        half_of_the_plan_of_a_second_job,
        half_of_the_audio,
        audio_without_its_turns,
        half_of_the_turns,
        all_but_the_end,
        half_of_the_finish,
    ],
)
def test_cut_off_between_and_in_its_files(data: Path, tmp_path: Path, fake: None, cut: Callable[[Path], None]) -> None:
    for name in ("whole", "cut"):
        sets.simulate_sets(options(), data, tmp_path / name)
    cut(tmp_path / "cut" / "sim_train")
    assert contents(tmp_path / "cut") != contents(tmp_path / "whole")
    sets.simulate_sets(options(), data, tmp_path / "cut")
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


@pytest.mark.long
def test_killed_three_times_under_nemo(data: Path, tmp_path: Path, env: dict[str, str]) -> None:
    """kill -9 of a stage with two jobs, all at once, some moment after another file was begun."""
    settings = SETTINGS | {"conversations": 40}  # so many that no machine is done before the third kill
    (tmp_path / "simulate.yaml").write_text(yaml.safe_dump({"sets": {"train": settings}}))

    def start(out: str, jobs: int) -> subprocess.Popen:
        command = ["mimidiar", "simulate", data, out, "--config", "simulate.yaml"]
        line = [ROOT / "utils/stage.py", "--out", out, "--input", data, "--nj", str(jobs), "--", *command]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(line, cwd=tmp_path, env=env, start_new_session=True, **quiet)

    def begun() -> set[str]:
        return {path.name for kind in ("wav", "rttm") for path in (tmp_path / "cut/sim_train" / kind).glob("*")}

    assert start("whole", 1).wait(timeout=600) == 0
    chance = random.Random(0)
    for _ in range(3):
        before, process = begun(), start("cut", 2)
        limit = time.monotonic() + 300
        while not begun() - before:
            assert process.poll() is None and time.monotonic() < limit
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.2))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "cut/sim_train/simulation.json").exists()
    assert start("cut", 2).wait(timeout=600) == 0
    assert contents(tmp_path / "cut/sim_train") == contents(tmp_path / "whole/sim_train")
