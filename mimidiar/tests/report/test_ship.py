"""Weights in the package: whole or refused, with a record that no hand has written and a card made of it."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import save_file

from mimidiar import shipped
from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json, sha256_file
from mimidiar.report.record import write_record
from mimidiar.report.ship import write_card
from mimidiar.tests.report.records import COMMIT, LINEAGE, make, make_verification
from mimidiar.tests.report.test_make_record import write_stage
from mimidiar.weight_files import ENTRY

RECIPES = shipped.ASSETS.parents[1] / "egs/mini"
SPEAKERS = {"ls-1": "ls", "ls-2": "ls", "so762-7": None, "new-9": "new"}


@pytest.fixture(autouse=True)
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mimidiar.report.ship.code_commit", lambda: COMMIT)


def write_set(folder: Path) -> Path:
    """36 minutes of four speakers of three corpora."""
    folder.mkdir(parents=True)
    with gzip.open(folder / "recordings.jsonl.gz", "wt") as stream:
        for speaker in SPEAKERS:
            stream.write(json.dumps({"id": speaker, "duration": 540.0}) + "\n")
    with gzip.open(folder / "supervisions.jsonl.gz", "wt") as stream:
        for speaker, corpus in SPEAKERS.items():
            stream.write(json.dumps({"speaker": speaker, "custom": corpus and {"corpus": corpus}}) + "\n")
    return folder


def write_weights(path: Path, values: int = 6, **header: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": "mimidiar-codec-1", "seed": 3, "config": {"epochs": 4}} | header)
    save_file({"w": np.zeros((values // 2, 2), np.float16)}, path, metadata={ENTRY: text})
    return path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Weights, as stages made them from a set and a configuration."""
    data, config = tmp_path / "data", tmp_path / "train.yaml"
    config.write_text("epochs: 4\n")
    write_set(data / "train")
    (data / "corpus.json").write_text('{"origin": "recorded"}')
    write_stage(data, "mimidiar prepare mini")
    path = write_weights(tmp_path / "export/small.safetensors")
    train_and_export(tmp_path)
    return path


def train_and_export(root: Path, commit: str = COMMIT) -> None:
    train, inputs = "mimidiar codec train model --seed 3", (root / "data/train", root / "train.yaml")
    (root / "model").mkdir(exist_ok=True)
    (root / "model/model.safetensors").touch()
    write_stage(root / "model", train, inputs=inputs, commits=(commit,), seconds=5638.4)
    write_stage(root / "export", "mimidiar codec export", inputs=(root / "model",))


def ship(path: Path, name: str = "small", *options: str) -> Result:
    card = path.parent / "card.md"
    if not card.exists():
        card.write_text("For tests alone.\n")
    return CliRunner().invoke(
        cli, ["ship", str(path), name, "--card", str(card), "--out", str(path.parent / "assets"), *options]
    )


def test_record_and_card_say_how_the_weights_were_made(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = ship(made)
    assert done.exit_code == 0, done.exception
    assets = made.parent / "assets"
    assert {path.name for path in assets.iterdir()} == {"small.safetensors", "small.json", "small.md"}
    record = json.loads((assets / "small.json").read_text())
    assert record["sha256"] == sha256_file(made) == sha256_file(assets / "small.safetensors")
    assert (record["bytes"], record["values"], record["types"]) == (made.stat().st_size, 6, ["F16"])
    assert (record["header"]["seed"], record["dirty"], record["speech"]) == (3, False, ["recorded"])
    assert [stage["commands"] for stage in record["stages"]] == [
        ["mimidiar prepare mini"],
        ["mimidiar codec train model --seed 3"],
        ["mimidiar codec export"],
    ]
    assert [stage["seconds"] for stage in record["stages"]] == [None, 5638.4, None]
    assert list(record["configurations"].values()) == [sha256_file(made.parents[1] / "train.yaml")]
    (data,) = record["sets"]
    assert data["hours"] == 0.6 and [(each["corpus"], each["speakers"]) for each in data["corpora"]] == [
        ("ls", 2),
        ("new", 1),
        ("so762", 1),
    ]
    assert record["environment"]["numpy"] == np.__version__
    card = (assets / "small.md").read_text()
    for wanted in (
        "# small\n\nFor tests alone.",
        "CC BY 4.0",
        "not known to mimidiar",
        "--seed 3  # 94 min\n",
        COMMIT,
        record["sha256"],
    ):
        assert wanted in card
    monkeypatch.setattr(shipped, "ASSETS", assets)
    assert shipped.shipped_file("small") == assets / "small.safetensors" and shipped.shipped_names() == ["small"]


def test_figures_are_of_these_weights_and_others_stand_beside_them(made: Path, tmp_path: Path) -> None:
    digest, part = sha256_file(made), "9" * 64
    own, others = tmp_path / "own", tmp_path / "others"
    feature = {"encoder": "mimi-mini", "tap": "latent", "weights": "small.safetensors", "weights_sha256": digest}
    write_record(own, make_verification("voices", eer=12.5, lineage=LINEAGE | {"features": [feature]}))
    write_record(own, make("elsewhere"))
    write_record(others, make("untrained"))
    assert ship(made, "small", "--results", str(own), "--beside", str(others)).exit_code == 0
    record = json.loads((made.parent / "assets/small.json").read_text())
    assert [(figure["system"], figure["metrics"]["eer"]) for figure in record["figures"]] == [("voices", 12.5)]
    assert [figure["system"] for figure in record["beside"]] == ["untrained"]
    card = (made.parent / "assets/small.md").read_text()
    assert "| voices | trials | trials | 1 | eer 12.50 |" in card and "elsewhere" not in card
    assert "no record of" in str(ship(made, "small", "--results", str(others)).exception)
    # A file that was put together from others is the one whose parts were scored.
    write_record(own, make("whole", lineage=LINEAGE | {"models": [{"sha256": part, "configuration_sha256": None}]}))
    write_weights(made, format="mimidiar-diarizer-1", sha256={"model": part})
    assert ship(made, "whole", "--results", str(own), "--allow-dirty").exit_code == 0
    record = json.loads((made.parent / "assets/whole.json").read_text())
    assert [figure["system"] for figure in record["figures"]] == ["whole"]


def test_what_is_not_shipped(made: Path, tmp_path: Path) -> None:
    def refused(said: str, path: Path, name: str = "small") -> None:
        done = ship(path, name)
        assert isinstance(done.exception, MimidiarError) and said in str(done.exception)
        assert not (path.parent / "assets").exists()

    refused("'Mimi Mini' cannot name weights", made, "Mimi Mini")
    refused("no such file of weights", made.with_name("none.safetensors"))
    save_file({"w": np.zeros(3)}, tmp_path / "foreign.safetensors")
    refused("names no format of mimidiar", tmp_path / "foreign.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(made.read_bytes()[:50])
    refused("not a whole safetensors file", tmp_path / "cut.safetensors")
    refused("no stage of a recipe made it", write_weights(tmp_path / "loose.safetensors"))
    big = write_weights(made.with_name("big.safetensors"), 6_000_200)
    refused(f"{big.stat().st_size} bytes, and at most 12000000 are shipped", big)
    (made.parent / "card.md").write_text(" \n")
    refused("card.md: is empty", made)


def test_weights_of_code_that_is_in_no_commit_are_refused_or_say_so(made: Path) -> None:
    train_and_export(made.parents[1], f"{COMMIT}-dirty")
    done = ship(made)
    assert "code that is in no commit had a part in it" in str(done.exception) and "model" in str(done.exception)
    assert ship(made, "small", "--allow-dirty").exit_code == 0
    assert json.loads((made.parent / "assets/small.json").read_text())["dirty"] is True
    assert "not all of it in a commit" in (made.parent / "assets/small.md").read_text()


# Shipped weights, and the hand-written text of their card in egs/mini.
TEXTS = {
    "mimi-mini": "codec/conf/card.md",
    "mimi-mini-distil": "codec/conf/card_distil.md",
    "mini": "diarizer/conf/distil.md",
    "mini-fusion": "diarizer/conf/fusion.md",
}


def test_all_shipped_weights_are_known() -> None:
    assert {path.stem for path in shipped.ASSETS.glob(f"*{shipped.WEIGHTS}")} == set(TEXTS)


@pytest.mark.parametrize("name", TEXTS)
def test_the_card_of_shipped_weights_is_made_of_its_record(name: str) -> None:
    record = read_json(shipped.ASSETS / f"{name}{shipped.RECORD}")
    text = (RECIPES / TEXTS[name]).read_text(encoding="utf-8").strip()
    assert (shipped.ASSETS / f"{name}{shipped.CARD}").read_text(encoding="utf-8") == write_card(record, text)
