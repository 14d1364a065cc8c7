#!/usr/bin/env bash
# soundfile: Ogg and MP3 files that were joined byte by byte.
#
# Expected: an Ogg file may hold several streams one behind the other (RFC 3533 calls them chained; `cat a.ogg b.ogg` makes
#   one), so a reader gives all of them, or says that it stopped after the first. The same for MP3 files, which many tools
#   join so.
# Happens: soundfile states the length of the first part, gives its samples, and ends there without an error, for Vorbis,
#   Opus and MP3 (whose decoder only remarks on seeking). PyAV gives all parts.
# Who meets it: whoever joins the pieces that a text-to-speech service or an internet radio sends, and transcribes the
#   result.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "soundfile==0.14.0" "av==18.1.0" "numpy==2.2.6" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import av
import numpy as np
import soundfile

print("soundfile", version("soundfile"), "-", soundfile.__libsndfile_version__, "- av", version("av"))
rate = 16000
generator = np.random.default_rng(0)
for name, layout, subtype in (("vorbis", "OGG", "VORBIS"), ("opus", "OGG", "OPUS"), ("mp3", "MP3", "MPEG_LAYER_III")):
    with open(name, "wb") as joined:
        for seconds in (3, 2):
            soundfile.write("part", 0.1 * generator.standard_normal(seconds * rate), rate, format=layout, subtype=subtype)
            with open("part", "rb") as part:
                joined.write(part.read())
    stated = soundfile.info(name).duration
    given = len(soundfile.read(name)[0]) / rate
    with av.open(name) as container:
        whole = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    print(f"{name}: 3 s and 2 s joined; soundfile states {stated:.2f} s and gives {given:.2f} s, PyAV gives {whole:.2f} s")
    assert stated == given == 3.0, "soundfile gives another length now"
    assert 4.95 < whole < 5.2, "PyAV does not give both parts"
PY
