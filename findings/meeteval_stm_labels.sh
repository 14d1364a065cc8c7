#!/usr/bin/env bash
# meeteval: the label field of STM files is scored as a word.
#
# Expected: a line of an STM file may have a label such as <o,f0,male> before its text (NIST's sclite defines it, TED-LIUM's
#   files have it); a reader of STM for word error rates takes it as what it is, and not as something that was said.
# Happens: meeteval 0.4.3 keeps it in the transcript, without a word, and counts one deletion for each line. The same for
#   `ignore_time_segment_in_scoring`, by which STM files mark what is to be left out: it counts as a word that was missed.
# Who meets it: whoever scores against the STM files of a published corpus: each line has an error more.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "meeteval==0.4.3" "numpy==2.2.6" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import meeteval

print("meeteval", version("meeteval"))
label = "<o,f0,female>"
for name, first, second in (("ref", label + " ", "ignore_time_segment_in_scoring"), ("hyp", "", "")):
    with open(name + ".stm", "w", encoding="utf-8") as file:
        file.write(f"talk 1 anna 0.00 1.50 {first}hello there\n")
        file.write(f"talk 1 anna 1.50 2.50 {first}how are you\n")
        file.write(f"talk 1 anna 2.50 3.00 {first}{second}\n")
reference, hypothesis = meeteval.io.load("ref.stm"), meeteval.io.load("hyp.stm")
print("transcripts of the reference:", [line.transcript for line in reference])
score = meeteval.wer.combine_error_rates(meeteval.wer.cpwer(reference, hypothesis))
print(f"cpWER of a transcript without a mistake: {score.error_rate:.0%}, {score.deletions} deletions, {score.length} words")
assert (score.deletions, score.length) == (4, 9), "it treats labels in another way now"
PY
