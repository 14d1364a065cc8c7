"""Configuration: what is accepted, and what the errors say."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mimidiar.config import load_config, save_config
from mimidiar.errors import MimidiarError


@dataclass
class Inner:
    width: int = 3


@dataclass
class Outer:
    inner: Inner = field(default_factory=Inner)
    rate: float = 0.5
    name: str = "x"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


def test_file_and_overrides_fill_the_defaults(tmp_path: Path) -> None:
    path = write(tmp_path, "inner: {width: 5}\nrate: 1e-3\n")
    assert load_config(Outer, path, ["name=y", "inner.width=7"]) == Outer(Inner(7), 1e-3, "y")
    assert load_config(Outer) == Outer()


def test_round_trip(tmp_path: Path) -> None:
    config = Outer(Inner(9), 0.25, "z")
    save_config(config, tmp_path / "out.yaml")
    assert load_config(Outer, tmp_path / "out.yaml") == config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ratee: 1\n", ["c.yaml", "unknown key 'ratee'", "did you mean 'rate'"]),
        ("inner: {widht: 1}\n", ["unknown key 'inner.widht'", "'inner.width'"]),
        ("rate: fast\n", ["c.yaml", "rate", "fast"]),
        ("inner: 3\n", ["c.yaml", "inner"]),
        ("- a\n", ["c.yaml", "list"]),
        ("rate: [1\n", ["c.yaml", "not valid YAML"]),
    ],
)
def test_errors_name_file_and_key(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(MimidiarError) as error:
        load_config(Outer, write(tmp_path, text))
    assert all(word in str(error.value) for word in words), error.value


def test_a_missing_file_and_a_bad_override_are_named(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"none\.yaml: no such"):
        load_config(Outer, tmp_path / "none.yaml")
    with pytest.raises(MimidiarError, match="'rate' is not of the form"):
        load_config(Outer, None, ["rate"])
    with pytest.raises(MimidiarError, match="did you mean 'name'"):
        load_config(Outer, None, ["nam=z"])
