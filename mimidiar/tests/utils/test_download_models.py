"""tools/download_models.sh with a stand-in for `hf`, which notes what it is asked for and brings small files."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "tools/download_models.sh"
MIMI = "tokenizer-e351c8d8-checkpoint125.safetensors"
TITANET = "speakerverification_en_titanet_large.nemo"

HF = r"""#!/bin/bash
echo "${HF_TOKEN:-no-token} $*" >> "$NOTES"
if [[ $2 == "$GATE" ]]; then echo "403 Client Error: gated repo" >&2; exit 1; fi
mkdir -p "$5/.cache"
if [[ -f $NOTES.break ]]; then echo half > "$5/.cache/$3.incomplete"; exit 1; fi
echo weights > "$5/$3"
"""
# The weights of the tests are not the real ones; their sums are, unless SUM says otherwise.
SHA256SUM = r"""#!/bin/bash
case "$1" in
  *.safetensors) echo "${SUM:-09b782f0629851a271227fb9d36db65c041790365f11bbe5d3d59369cf863f50}  $1" ;;
  *.nemo) echo "${SUM:-e838520693f269e7984f55bc8eb3c2d60ccf246bf4b896d4be9bcabe3e4b0fe3}  $1" ;;
  *) exec /usr/bin/sha256sum "$@" ;;
esac
"""

Call = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def download(tmp_path: Path) -> Call:
    """download(*options, **environment): the script, to its end."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("hf", HF), ("sha256sum", SHA256SUM)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    ours = ("HF_TOKEN", "DIARIZATION_ROOT", "MIMI_CHECKPOINT")
    clean = {name: value for name, value in os.environ.items() if name not in ours}
    path = f"{programs}:{ROOT / 'utils'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = clean | {"PATH": path, "NOTES": str(tmp_path / "notes")}

    def call(*options: object, **more: str) -> subprocess.CompletedProcess:
        line = [str(SCRIPT), *map(str, options)]
        return subprocess.run(
            line, check=False, cwd=tmp_path, env=env | more, capture_output=True, text=True, timeout=300
        )

    return call


def notes(tmp_path: Path) -> list[str]:
    file = tmp_path / "notes"
    return file.read_text().splitlines() if file.exists() else []


def test_help_says_what_comes_and_how_large_it_is(download: Call) -> None:
    done = download("--help")
    assert done.returncode == 0
    for text in (
        "487 MB in all",
        "Mimi       385 MB",
        "TitaNet-L  102 MB",
        "kyutai/moshiko-pytorch-bf16",
        "--mimi auto",
    ):
        assert text in done.stdout


def test_the_open_repository_and_what_to_export(download: Call, tmp_path: Path) -> None:
    done = download(DIARIZATION_ROOT=str(tmp_path / "root"))
    models = tmp_path / "root" / "models"
    assert done.returncode == 0, done.stderr
    assert notes(tmp_path) == [
        f"no-token download kyutai/moshiko-pytorch-bf16 {MIMI} --local-dir {models}",
        f"no-token download nvidia/speakerverification_en_titanet_large {TITANET} --local-dir {models}",
    ]
    assert re.search(rf"up to 487 MB into {models}, \d+ MB free there", done.stdout)
    assert f"export MIMI_CHECKPOINT={models / MIMI}\nexport TITANET_CHECKPOINT={models / TITANET}\n" in done.stdout
    again = download("--dir", models)
    assert again.returncode == 0 and f"{models / MIMI} is there" in again.stdout and len(notes(tmp_path)) == 2


def test_an_interrupted_download_goes_on(download: Call, tmp_path: Path) -> None:
    (tmp_path / "notes.break").touch()
    done = download("--dir", tmp_path / "m", "--titanet", "false")
    assert done.returncode == 1 and "could not be fetched from kyutai/moshiko-pytorch-bf16" in done.stderr
    assert (tmp_path / "m" / ".cache" / f"{MIMI}.incomplete").exists()  # hf's own, which it goes on from
    (tmp_path / "notes.break").unlink()
    assert download("--dir", tmp_path / "m", "--titanet", "false").returncode == 0
    assert (tmp_path / "m" / MIMI).exists() and not (tmp_path / "m" / TITANET).exists()


def test_the_gated_repository_with_a_token(download: Call, tmp_path: Path) -> None:
    done = download("--dir", tmp_path / "m", "--titanet=false", HF_TOKEN="hf_x")
    assert done.returncode == 0 and notes(tmp_path)[0].startswith("hf_x download nvidia/personaplex-7b-v1")
    done = download("--dir", tmp_path / "n", "--mimi=open", "--titanet=false", HF_TOKEN="hf_x")
    assert done.returncode == 0 and notes(tmp_path)[1].startswith("no-token download kyutai/moshiko")


def test_a_token_that_does_not_open_the_gate(download: Call, tmp_path: Path) -> None:
    closed = {"HF_TOKEN": "hf_x", "GATE": "nvidia/personaplex-7b-v1"}
    done = download("--dir", tmp_path / "m", "--titanet=false", **closed)
    assert done.returncode == 0 and [line.split()[2] for line in notes(tmp_path)] == [
        "nvidia/personaplex-7b-v1",
        "kyutai/moshiko-pytorch-bf16",
    ]
    done = download("--dir", tmp_path / "n", "--mimi", "personaplex", **closed)
    assert done.returncode == 1 and "is its license accepted with this HF_TOKEN?" in done.stderr
    done = download("--dir", tmp_path / "n", "--mimi", "personaplex")
    assert done.returncode == 1 and "export HF_TOKEN, or take --mimi open" in done.stderr


def test_other_weights_than_the_published_ones(download: Call, tmp_path: Path) -> None:
    done = download("--dir", tmp_path / "m", SUM="abc")
    assert done.returncode == 1 and "has the sha256 abc, expected 09b782f0" in done.stderr
    done = download("--dir", tmp_path / "m", "--mimi", "none", SUM="abc")
    assert done.returncode == 0 and "has the sha256 abc, another version than" in done.stderr
    assert "MIMI_CHECKPOINT" not in done.stdout


def test_wrong_options_and_a_full_disk(download: Call, tmp_path: Path) -> None:
    done = download("--mimi", "closed")
    assert done.returncode == 1 and "--mimi closed: choose auto, open, personaplex or none" in done.stderr
    assert download("--mimy", "open").returncode == 1
    df = tmp_path / "programs" / "df"
    df.write_text("#!/bin/sh\necho Filesystem Blocks Used Available\necho disk 999 0 12\n")
    df.chmod(0o755)
    done = download("--dir", tmp_path / "m")
    assert done.returncode == 1 and "487 MB are needed and 12 MB are free" in done.stderr and not notes(tmp_path)
