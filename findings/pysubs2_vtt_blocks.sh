#!/usr/bin/env bash
# pysubs2: cue names and comments of a WebVTT file become spoken text, and some spoken numbers are lost.
#
# Expected: a reader of WebVTT leaves out the line before a cue's times (its identifier) and the NOTE blocks, and keeps each
#   line of a cue's text.
# Happens: pysubs2 reads WebVTT with its code for SubRip: an identifier that is no number, and a NOTE block, are added to the
#   text of the cue before; and a last line of text that is only a number ("1984") is dropped as if it were the next cue's.
# Who meets it: whoever takes transcripts from captions of meeting software, which names its cues, or from edited captions.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "pysubs2==1.8.1" "webvtt-py==0.6.0" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import pysubs2
import webvtt

print("pysubs2", version("pysubs2"), "- webvtt-py", version("webvtt-py"))
with open("talk.vtt", "w", encoding="utf-8") as file:
    file.write(
        "WEBVTT\n\n"
        "talk-a\n00:00.000 --> 00:02.000\nGood morning.\n\n"
        "talk-b\n00:02.000 --> 00:04.000\nHow are you?\n\n"
        "NOTE checked twice\n\n"
        "00:04.000 --> 00:06.000\nI was born in\n1984\n\n"
        "00:06.000 --> 00:08.000\nSo was I.\n"
    )
right = [cue.text for cue in webvtt.read("talk.vtt")]
print("webvtt-py:", right)
assert right == ["Good morning.", "How are you?", "I was born in\n1984", "So was I."]
found = [event.plaintext for event in pysubs2.load("talk.vtt")]
print("pysubs2:  ", found)
assert found == ["Good morning.\n\ntalk-b", "How are you?\n\nNOTE checked twice", "I was born in", "So was I."]
PY
