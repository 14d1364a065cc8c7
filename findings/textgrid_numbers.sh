#!/usr/bin/env bash
# praatio and pympi: times in a TextGrid that Praat writes as 1e-05 or -0.5.
#
# Expected: readers of TextGrid files take each time that Praat itself writes. It writes times near 0 with an exponent (they
#   come from rounding, when files are cut or joined), and negative ones where the time 0 is an event inside the recording.
# Happens: pympi reads 1e-05 as 5 s, 5.68e-14 as 14 s and -0.5 as 0.5, and says nothing, so that intervals end before they
#   start. praatio refuses such files ("Expected field in Textgrid missing") in the long form, but reads them in the short
#   form. The packages tgt and textgrid read both.
# Who meets it: whoever reads a corpus of forced alignments with hand-made corrections, where one such number hides in some
#   file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "praat-parselmouth==0.4.7" "pympi-ling==1.71" "praatio==6.2.2" "tgt==1.5" "textgrid==1.6.1" \
  "numpy==2.2.6" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import parselmouth
import pympi
import textgrid
import tgt
from parselmouth.praat import call
from praatio import textgrid as praatio
from praatio.utilities.errors import ParsingError

print(
    *(f"{name} {version(name)} -" for name in ("pympi-ling", "praatio", "tgt", "textgrid")),
    f"files written by Praat {parselmouth.PRAAT_VERSION}",
)


def by_pympi(path):
    return [(start, end) for tier in pympi.Praat.TextGrid(path).get_tiers() for start, end, text in tier.intervals]


def by_praatio(path):
    tiers = praatio.openTextgrid(path, includeEmptyIntervals=True).tiers
    return [(entry.start, entry.end) for tier in tiers for entry in tier.entries]


def by_tgt(path):
    tiers = tgt.io.read_textgrid(path, include_empty_intervals=True).tiers
    return [(entry.start_time, entry.end_time) for tier in tiers for entry in tier.annotations]


def by_textgrid(path):
    return [(entry.minTime, entry.maxTime) for tier in textgrid.TextGrid.fromFile(path) for entry in tier]


def near(first, second):
    return all(abs(a - b) < 1e-9 for pair in zip(first, second) for a, b in zip(*pair))


for start, middle, wrong in (
    (0, 1e-05, [(0, 5), (5, 2)]),
    (5.684341886080802e-14, 1, [(14, 1), (1, 2)]),
    (-1.5, -0.5, [(1.5, 0.5), (0.5, 2)]),
):
    right = [(start, middle), (middle, 2)]
    grid = call("Create TextGrid", start, 2, "words", "")
    call(grid, "Insert boundary", 1, middle)
    call(grid, "Save as text file", "long.TextGrid")
    call(grid, "Save as short text file", "short.TextGrid")
    for path in ("long.TextGrid", "short.TextGrid"):
        assert near(by_tgt(path), right) and near(by_textgrid(path), right)
        print(f"intervals {right} in {path}: pympi {by_pympi(path)}")
        assert near(by_pympi(path), wrong), "pympi reads it in another way now"
    assert near(by_praatio("short.TextGrid"), right)
    try:
        by_praatio("long.TextGrid")
        raise SystemExit("praatio reads the long form now")
    except ParsingError as error:
        print("praatio reads short.TextGrid as it is, but says of long.TextGrid:", error)
PY
