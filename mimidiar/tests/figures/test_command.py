"""`mimidiar figure` from outside: files that are what their names say, the same bytes each time, errors in a line."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.features.store import ShardWriter, write_scp

REFERENCE = "SPEAKER one 1 0.0 6.0 <NA> <NA> x <NA> <NA>\nSPEAKER one 1 6.0 4.0 <NA> <NA> y$ <NA> <NA>\n"
HYPOTHESIS = "SPEAKER one 1 0.5 9.0 <NA> <NA> spk0 <NA> <NA>\n"
OTHER = "SPEAKER two 1 0.0 1.0 <NA> <NA> x <NA> <NA>\n"


def figure(*args):
    """One command in this process, which must succeed."""
    done = CliRunner().invoke(cli, ["figure", *map(str, args)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def data(tmp_path):
    (tmp_path / "ref.rttm").write_text(REFERENCE)
    (tmp_path / "hyp.rttm").write_text(HYPOTHESIS)
    (tmp_path / "both.rttm").write_text(REFERENCE + OTHER)
    (tmp_path / "all.uem").write_text("one 1 0 12\n")
    (tmp_path / "trials").write_text("1 a b\n1 a c\n0 a d\n0 b d\n")
    (tmp_path / "scores").write_text("a b 0.9\na c 0.3\na d 0.4\nb d 0.1\n")
    (tmp_path / "bars.json").write_text(json.dumps({"bars": [{"label": "a", "value": 1}]}))
    (tmp_path / "steps.json").write_text(json.dumps({"steps": [{"label": "a", "value": 1, "metric": "eer"}]}))
    (tmp_path / "log.jsonl").write_text(
        '{"epoch": 0, "train_loss": 1, "val_loss": NaN}\n{"epoch": 1, "train_loss": 0.5}\n'
    )
    return tmp_path


def check_image(path):
    if path.suffix == ".png":
        with Image.open(path) as image:
            image.verify()
            assert image.format == "PNG" and min(image.size) > 300
    elif path.suffix == ".svg":
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    else:
        assert path.read_bytes().startswith(b"%PDF-")


def test_timeline_with_everything_twice_is_the_same(data):
    with ShardWriter(data / "post", "posteriors", 0) as shard:
        shard.write({"one": np.random.default_rng(0).random((120, 2)).astype(np.float32)})
    write_scp(data / "post", "posteriors", 1)
    (data / "post" / "meta.json").write_text('{"frame_hz": 12.5}')
    options = ("--uem", data / "all.uem", "--posteriors", data / "post", "--collar", 0.25)
    said = figure("timeline", data / "ref.rttm", data / "hyp.rttm", *options, "-o", data / "a" / "line")
    assert said == f"written: {data}/a/line.png, {data}/a/line.svg\n"
    figure("timeline", data / "ref.rttm", data / "hyp.rttm", *options, "-o", data / "b.svg")
    figure("timeline", data / "ref.rttm", data / "hyp.rttm", *options, "-o", data / "b.png")
    for kind in ("png", "svg"):
        check_image(data / "a" / f"line.{kind}")
        assert (data / "a" / f"line.{kind}").read_bytes() == (data / f"b.{kind}").read_bytes()
    assert b"<dc:date>" not in (data / "b.svg").read_bytes()
    assert sorted(path.name for path in (data / "a").iterdir()) == ["line.png", "line.svg"]


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (("det", "scores", "trials", "--name", "mine", "--system", "other=scores"), "det.png"),
        (("histogram", "scores", "trials", "--title", "of $4"), "h.svg"),
        (("training", "log.jsonl"), "exp1.5"),
        (("bars", "bars.json"), "bars.pdf"),
        (("progression", "steps.json"), "steps.svg"),
    ],
)
def test_every_kind(data, monkeypatch, args, name):
    monkeypatch.chdir(data)
    for folder in ("first", "second"):
        figure(*args, "-o", f"{folder}/{name}")
    files = sorted((data / "first").iterdir())
    assert [file.name for file in files] == ([name] if name != "exp1.5" else ["exp1.5.png", "exp1.5.svg"])
    for file in files:
        check_image(file)
        assert file.read_bytes() == (data / "second" / file.name).read_bytes()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("timeline", "both.rttm", "hyp.rttm"), "2 recordings .*--recording"),
        (("timeline", "both.rttm", "hyp.rttm", "--recording", "three"), "no recording 'three'"),
        (
            ("timeline", "both.rttm", "hyp.rttm", "--recording", "two", "--uem", "all.uem"),
            "no region of recording 'two'",
        ),
        (("timeline", "ref.rttm", "hyp.rttm", "--start", 50), "nothing to draw"),
        (("timeline", "ref.rttm", "hyp.rttm", "--posteriors", "."), "meta.json: no such file|no such scp"),
        (("det", "scores", "ref.rttm"), "is neither `label enrol test` nor"),
        (("det", "scores", "trials", "--system", "b"), "--system b: not of the form"),
        (("det", "scores", "trials", "--system", "scores=scores"), "two systems are called 'scores'"),
        (("histogram", "hyp.rttm", "trials"), "10 fields"),
        (("training", "ref.rttm"), "line 1: not JSON"),
        (("training", "log.jsonl", "log.jsonl"), "two logs of this folder"),
        (("training", "none"), "No such file"),
        (("bars", "steps.json"), "no object with a list 'bars'"),
        (("bars", "ref.rttm"), "not valid JSON"),
    ],
)
def test_bad_input_is_one_error_and_leaves_nothing(data, monkeypatch, args, says):
    monkeypatch.chdir(data)
    with pytest.raises(MimidiarError, match=says):
        figure(*args, "-o", "out/figure")
    assert not (data / "out").exists()


def test_another_format_is_refused_before_anything_is_read(data):
    with pytest.raises(MimidiarError, match=r"x.jpg: .*png, svg or pdf"):
        figure("bars", data / "none", "-o", data / "x.jpg")


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["timeline", "ref.rttm", "hyp.rttm"], {"torch", "lhotse"}),  # it scores, and pyannote.metrics loads pyplot
        (["bars", "bars.json"], {"torch", "lhotse", "pandas", "pyannote.metrics", "matplotlib.pyplot"}),
    ],
)
def test_no_figure_loads_what_is_heavy(data, words, heavy):
    code = (
        "import sys; from mimidiar.cli import cli; cli(standalone_mode=False)\n"
        f"heavy = {heavy} & set(sys.modules); assert not heavy, heavy"
    )
    files = [data / word for word in words[1:]]
    command = [sys.executable, "-c", code, "figure", words[0], *files, "-o", data / "x.png"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
