"""`mimidiar score` on files that are broken, absurd or huge: an answer or one clear line, within bounds."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError

RTTM = b"".join(
    b"SPEAKER %s 1 %d.5 1.25 <NA> <NA> %s <NA> <NA>\r\n" % (recording, start, speaker)
    for recording in (b"a", b"b")
    for start, speaker in ((0, b"anna"), (1, b"bo"), (3, b"anna"))
)
RTTM += b";; comment\nNON-LEX a 1 2.0 0.5 x cough anna <NA>\nNOSCORE b 1 9.0 0.5 <NA> <NA> <NA> <NA>\n"
UEM = b"a 1 0.0 4.5\nb 1 1.00 3.5\nb 1 3.75 5.0\n"
SUPERVISIONS = b"".join(
    json.dumps({"id": str(i), "recording_id": "a", "start": i, "duration": 1.5, "speaker": "anna"}).encode() + b"\n"
    for i in range(4)
)
GOOD = {"ref.rttm": RTTM, "hyp.rttm": RTTM, "all.uem": UEM}


@st.composite
def broken(draw, good: bytes) -> bytes:
    """`good` cut off, with bytes put in, or with a part of it moved elsewhere; or bytes of no relation to it."""
    at, end = sorted(draw(st.tuples(*[st.integers(0, len(good))] * 2)))
    odd = st.one_of(st.binary(max_size=40), st.sampled_from([b"nan", b"-1", b"1e99", b"<NA>", b"\0", b"\n", b" "]))
    how = draw(st.sampled_from(["truncated", "spliced", "moved", "random"]))
    if how == "truncated":
        return good[:at]
    if how == "spliced":
        return good[:at] + draw(odd) + good[end:]
    return good[end:] + good[:at] if how == "moved" else draw(st.binary(max_size=300))


def score(folder: Path, files: dict[str, bytes]) -> BaseException | None:
    """What `mimidiar score` raised, if anything; the files in the order REF, HYP, UEM."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    ref, hyp, uem = (str(folder / name) for name in files)
    return CliRunner().invoke(cli, ["score", ref, hyp, "--uem", uem, "--collar", "0.1"]).exception


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(sorted(GOOD)))
def test_broken_files_give_an_answer_or_a_clear_error(tmp_path, data, name):
    raised = score(tmp_path, GOOD | {name: data.draw(broken(GOOD[name]))})
    if raised is not None:
        assert isinstance(raised, MimidiarError), repr(raised)
        assert "\n" not in str(raised)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), packed=st.booleans())
def test_broken_supervisions_give_an_answer_or_a_clear_error(tmp_path, data, packed):
    good = gzip.compress(SUPERVISIONS, mtime=0) if packed else SUPERVISIONS
    name = "ref.jsonl.gz" if packed else "ref.jsonl"
    raised = score(tmp_path, {name: data.draw(broken(good)), "hyp.rttm": RTTM, "all.uem": UEM})
    if raised is not None:
        assert isinstance(raised, MimidiarError), repr(raised)


SMALL = {
    "ref.rttm": "SPEAKER a 1 0 5 <NA> <NA> s <NA> <NA>\n",
    "hyp.rttm": "SPEAKER a 1 1 5 <NA> <NA> h <NA> <NA>\n",
    "all.uem": "a 1 0 100\n",
}
# A gigabyte and a half of address space, libraries included, and a minute of processor time.
BOUNDED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from mimidiar.cli import main
main()
"""


@pytest.mark.parametrize(
    ("name", "line", "answer"),
    [
        ("hyp.rttm", "SPEAKER a 1 {0}.0 0.9 <NA> <NA> s <NA> <NA>\n", "hypothesis, recording 'a': 999901 turns"),
        pytest.param(
            *("ref.rttm", "NON-LEX a 1 {0}.0 0.1 x cough s <NA>\n", "not scored: 999900 regions"),
            marks=pytest.mark.long,
        ),
        ("all.uem", "a 1 {0}.0 {0}.5\n", "TOTAL (1)"),
    ],
)
def test_a_million_lines(tmp_path, name, line, answer):
    for other, content in SMALL.items():
        (tmp_path / other).write_text(content)
    with open(tmp_path / name, "a") as stream:
        stream.writelines(line.format(second) for second in range(200, 2 * 10**6, 2))
    files = [tmp_path / "ref.rttm", tmp_path / "hyp.rttm", "--uem", tmp_path / "all.uem"]
    command = [sys.executable, "-c", BOUNDED, "score", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer in done.stdout + done.stderr, done.stderr[-2000:]
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_the_benchmark_finds_the_der_of_a_plain_loop_over_pyannote():
    """Its exit code says whether the three ways agree; how long they take is for people to read."""
    script = Path(__file__).parents[3] / "tools" / "bench" / "score.py"
    done = subprocess.run([script, "--repeats", "1", "--recordings", "20"], capture_output=True, text=True, check=True)
    found = [line.rpartition("DER ")[2].split()[0] for line in done.stdout.splitlines() if " DER " in line]
    assert len(found) == 3 and len(set(found)) == 1 and float(found[0]) > 1
