"""The figures that others published for outputs they published: they decide whether our conventions are theirs."""

import os
import tarfile
from pathlib import Path

import pytest

from mimidiar.score.diarization import Protocol
from mimidiar.score.from_files import percentages, score_files

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
    score, _ = score_files(folder / "ref_rttm_test", folder / system)
    found = percentages(score.total)
    assert [round(found[name], 2) for name in ("miss", "false_alarm", "confusion", "der")] == pytest.approx(
        [missed, false_alarm, confusion, der], abs=1e-9
    )


def test_speechbrain_es2014c(cases):
    """md-eval -1 -c 0.25 (speechbrain/utils/DER.py, docstring): 7.16923618."""
    folder = cases / "speechbrain_ES2014c"
    score, _ = score_files(folder / "ref_rttm", folder / "sys_rttm", protocol=Protocol(0.25, skip_overlap=True))
    assert score.der == pytest.approx(7.16923618, abs=1e-6)


@pytest.mark.parametrize("case", ["sd_test1", "sd_test2", "sd_test3", "sd_test4", "sd_test6"])
def test_nist_md_eval(cases, case):
    """Every time that md-eval printed for the case, to its two decimals: scored, missed, false alarm, error."""
    folder = cases / "nist_mdeval_tests"
    printed = (folder / f"{case}.output.saved").read_text().rpartition("*** Performance analysis")[2]
    score, _ = score_files(*(folder / f"{case}.{end}" for end in ("ref.rttm", "sys.rttm", "uem")))
    total = score.total
    ours = {
        "SCORED TIME": total.scored_sec,
        "SCORED SPEAKER TIME": total.reference_sec,
        "MISSED SPEAKER TIME": total.missed_sec,
        "FALARM SPEAKER TIME": total.false_alarm_sec,
        "SPEAKER ERROR TIME": total.confusion_sec,
        "OVERALL SPEAKER DIARIZATION ERROR": total.der,
    }
    for name, value in ours.items():
        theirs = next(line for line in printed.splitlines() if line.strip().startswith(f"{name} ="))
        assert float(theirs.partition("=")[2].split()[0]) == pytest.approx(value, abs=0.00501), name
