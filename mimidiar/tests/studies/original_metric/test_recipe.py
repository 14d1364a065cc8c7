"""egs/paper/ancestor_metric from beginning to end, on few conversations of synthetic voices."""

import os
import subprocess
from pathlib import Path

import pytest

from mimidiar.files import read_json

RECIPE = Path(__file__).parents[4] / "egs" / "paper" / "ancestor_metric" / "run.sh"


@pytest.mark.long
def test_the_demonstration(tmp_path: Path) -> None:
    folders = ["--data", str(tmp_path / "data"), "--exp", str(tmp_path / "exp")]
    command = [str(RECIPE), "--corpus=", "--conversations", "6", "--limit-speakers", "8", *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    out = tmp_path / "exp" / "perfect" / "seed0"
    documents = {name: read_json(out / name / "score.json") for name in ("sim_two", "sim_three", "sim_four", "mixed")}
    assert [document["n_recordings"] for document in documents.values()] == [6, 2, 4, 12]
    assert all(document["crop_der"] == 0 and document["ancestor_confusion"] > 10 for document in documents.values())
    assert (out / "confusion.png").is_file() and (out / "mixed" / "perfect.mixed.ancestor.seed0.json").is_file()
    assert not list((tmp_path / "data").glob("sim_*/wav"))
    assert "| mixed " in done.stdout
