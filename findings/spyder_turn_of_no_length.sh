#!/usr/bin/env bash
# spyder (spy-der): a turn of no length in a diarization result.
#
# Expected: a turn that ends where it starts, as 0.00 s in an RTTM file after rounding, adds no time: the error rate stays.
# Happens: spyder counts that speaker as speaking from there on, up to the speaker's next turn or else the end of the
#   recording: one such turn makes a perfect result of 20 s 75 % wrong, without a warning, while a turn of 1 ms adds 1 ms.
#   simpleder gives 0 for the same turns.
# Who meets it: whoever scores systems that write short turns with two decimals, or keep empty segments.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "spy-der==0.4.1" "simpleder==0.0.8" "scipy==1.15.3" "numpy==2.2.6" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import simpleder
import spyder

print("spy-der", version("spy-der"), "- simpleder", version("simpleder"))
reference = [("anna", 0.0, 20.0)]
for extra, expected in (((5.0, 5.001), 0.001 / 20), ((5.0, 5.0), 0.75), ((15.0, 15.0), 0.25), ((0.0, 0.0), 1.0)):
    hypothesis = [("1", 0.0, 20.0), ("2", *extra)]
    rate, other = spyder.DER(reference, hypothesis).der, simpleder.DER(reference, hypothesis)
    print(f"one speaker for 20 s, and another from {extra[0]} to {extra[1]} s: spyder {rate:.3%}, simpleder {other:.3%}")
    assert abs(rate - expected) < 1e-5, "spyder counts it in another way now"
    assert other < 1e-4
PY
