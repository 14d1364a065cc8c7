"""Configuration: what is accepted, and what the errors say."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mimidiar.config import Checked, Count, Counts, Rule, Share, load_config, low_high, one_of, save_config
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


@dataclass
class Part(Checked):
    """Keys below another."""

    share: Share = 0.5
    sizes: Counts = field(default_factory=lambda: [1])


@dataclass
class Limited(Checked):
    """Keys with limits."""

    count: Count = 1
    levels: low_high(-60, 0) | None = None
    word: one_of(("a", "b")) = "a"
    inner: Part = field(default_factory=Part)

    def rules(self) -> list[Rule]:
        return [("word", self.word, self.word == "a" or self.count > 1, "a where count is 1")]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("count=0", r"here: count is 0; it must be at least 1"),
        ("levels=[-10,-20]", r"here: levels is \[-10.0, -20.0\]; it must be two numbers, low and high, from -60 to 0"),
        ("word=c", r"here: word is c; it must be one of a, b"),
        ("word=b", r"here: word is b; it must be a where count is 1"),
        ("inner.share=2", r"here: inner\.share is 2.0; it must be between 0 and 1"),
        ("inner.sizes=[]", r"here: inner\.sizes is \[\]; it must be numbers from 1 on"),
    ],
)
def test_limits_stand_with_the_types(override: str, message: str) -> None:
    load_config(Limited, None, ["word=b", "count=2", "levels=[-20,-10]"]).check("here")
    with pytest.raises(MimidiarError, match=message):
        load_config(Limited, None, [override]).check("here")
