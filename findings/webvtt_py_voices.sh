#!/usr/bin/env bash
# webvtt-py: who speaks in a cue of two speakers, and names with `&`.
#
# Expected: a WebVTT cue may hold several voice spans (an end tag may only be left out where a span is all of its cue), and
#   text and names are written with `&amp;` for `&`; a reader that has an attribute `voice` gives the speaker of each span,
#   and names and text as they are meant.
# Happens: a cue has one `voice`, that of its first span; the second speaker's words are in `text` under the first one's
#   name. Names and text keep `&amp;` and `&lt;` as they stand in the file.
# Who meets it: whoever takes reference labels for diarization, or training text, from captions with speakers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "webvtt-py==0.6.0" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import webvtt

print("webvtt-py", version("webvtt-py"))
with open("talk.vtt", "w", encoding="utf-8") as file:
    file.write(
        "WEBVTT\n\n"
        "00:00.000 --> 00:02.000\n<v Anna>Are you there?</v>\n<v Ben>Yes, I am.</v>\n\n"
        "00:02.000 --> 00:04.000\n<v Anna &amp; Ben>R&amp;D, as 1 &lt; 2.</v>\n"
    )
found = [(cue.start, cue.voice, cue.text) for cue in webvtt.read("talk.vtt")]
for start, voice, text in found:
    print(f"{start} voice {voice!r} text {text!r}")
assert found == [
    ("00:00:00.000", "Anna", "Are you there?\nYes, I am."),
    ("00:00:02.000", "Anna &amp; Ben", "R&amp;D, as 1 &lt; 2."),
], "it reads voices or escapes in another way now"
PY
