"""The figures that others published for outputs they published: they decide whether our conventions are theirs."""

import os
import tarfile
from pathlib import Path

import pytest

from mimidiar.errors import MimidiarError
from mimidiar.score.diarization import Protocol
from mimidiar.score.from_files import score_files

CORPUS = os.environ.get("MIMIDIAR_MINI_CORPUS")
CASES = Path(CORPUS or ".") / "refs" / "scorer_cases.tar.xz"
pytestmark = pytest.mark.skipif(
    not (CORPUS and CASES.is_file()), reason="MIMIDIAR_MINI_CORPUS names no folder with refs/scorer_cases.tar.xz"
)


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scorer")
    with tarfile.open(CASES) as archive:
        archive.extractall(folder, filter="data")
    return folder / "scorer_cases"


@pytest.mark.parametrize(
    ("system", "missed", "false_alarm", "confusion", "der"),
    [
        ("rttm_test_vb", 9.84, 2.06, 9.60, 21.50),
        ("rttm_test_sc", 11.48, 2.27, 9.81, 23.56),
        ("rttm_test_rpn", 9.49, 7.68, 8.25, 25.43),
        ("rttm_dl_test", 9.96, 2.16, 7.75, 19.86),
    ],
)
def test_dover_lap_ami(cases, system, missed, false_alarm, confusion, der):
    """Collar 0, overlap scored, no UEM (desh2608/dover-lap, README)."""
    folder = cases / "dover_lap_ami"
    _, found = score_files(folder / "ref_rttm_test", folder / system)
    assert [round(found[name], 2) for name in ("miss", "false_alarm", "confusion", "der")] == pytest.approx(
        [missed, false_alarm, confusion, der], abs=1e-9
    )


def test_speechbrain_es2014c(cases):
    """md-eval -1 -c 0.25 (speechbrain/utils/DER.py, docstring): 7.16923618."""
    folder = cases / "speechbrain_ES2014c"
    score, _ = score_files(folder / "ref_rttm", folder / "sys_rttm", protocol=Protocol(0.25, skip_overlap=True))
    assert score.der == pytest.approx(7.16923618, abs=1e-6)


# All that came with a .output.saved, less md_test7 (-w: md-eval moved the hypothesis to fit its words) and md_test13
# (negative durations, which md-eval refused as well).
NIST_CASES = [
    *(f"sd_test{number}" for number in (1, 2, 3, 4, 6)),
    *(f"md_test{number}" for number in range(1, 31) if number not in (7, 13, 22)),
    "md_test22a",
    "md_test_greg",
]


@pytest.mark.parametrize("case", NIST_CASES)
def test_nist_md_eval(cases, case):
    """Every time that md-eval printed for the case, to its two decimals, with the options that it was given."""
    folder = cases / "nist_mdeval_tests"
    command, _, printed = (folder / f"{case}.output.saved").read_text().partition("*** Performance analysis for Sp")
    printed = printed.rpartition("for Speaker Diarization for ALL")[2]
    files = (folder / f"{case}.{end}" for end in ("ref.rttm", "sys.rttm", "uem"))
    score, _ = score_files(*files, protocol=Protocol(0.0, skip_overlap=" -1 " in command.splitlines()[0]))
    total = score.total
    ours = {
        "SCORED TIME": total.scored_sec,
        "SCORED SPEECH": total.speech_sec,
        "MISSED SPEECH": total.missed_speech_sec,
        "FALARM SPEECH": total.false_alarm_speech_sec,
        "SCORED SPEAKER TIME": total.reference_sec,
        "MISSED SPEAKER TIME": total.missed_sec,
        "FALARM SPEAKER TIME": total.false_alarm_sec,
        "SPEAKER ERROR TIME": total.confusion_sec,
        "OVERALL SPEAKER DIARIZATION ERROR": total.der,
    }
    for name, value in ours.items():
        theirs = next(line for line in printed.splitlines() if line.strip().startswith(f"{name} ="))
        assert float(theirs.partition("=")[2].split()[0]) == pytest.approx(value, abs=0.00501), name


def test_nist_negative_durations(cases):
    folder = cases / "nist_mdeval_tests"
    with pytest.raises(MimidiarError, match=r"md_test13\.sys\.rttm, line 13: the duration is '-6\.0'"):
        score_files(folder / "md_test13.ref.rttm", folder / "md_test13.sys.rttm")
