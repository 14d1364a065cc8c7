#!/usr/bin/env bash
# mutagen: the length of WAV files in GSM or ADPCM.
#
# Expected: a WAV file that is not PCM states its count of samples in the chunk "fact", so that a reader of lengths takes it.
# Happens: mutagen divides the size of the data by the size of a coded block and takes each block, of hundreds of samples, as
#   one sample: a file of 10 s is said to have some hundredths of a second, with no warning. tinytag gives the right length.
# Who meets it: whoever adds up the hours of an archive of telephone or dictation recordings, or leaves out what is too
#   short.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "mutagen==1.48.1" "tinytag==2.3.2" "soundfile==0.14.0" "numpy==2.2.6" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import mutagen
import numpy as np
import soundfile
from tinytag import TinyTag

print(*(f"{name} {version(name)} -" for name in ("mutagen", "tinytag", "soundfile")), "WAV files of 10 s at 8 kHz:")
signal = 0.3 * np.sin(2 * np.pi * 200 * np.arange(80000) / 8000)
coded = (0.01, 0.1)
for subtype, (low, high) in {"PCM_16": (9.99, 10.01), "GSM610": coded, "IMA_ADPCM": coded, "MS_ADPCM": coded}.items():
    soundfile.write("tone.wav", signal, 8000, subtype=subtype)
    with open("tone.wav", "rb") as file:
        data = file.read()
    fact = data.find(b"fact")
    stated = f"{int.from_bytes(data[fact + 8 : fact + 12], 'little')} samples in \"fact\"" if fact >= 0 else "no \"fact\""
    length = mutagen.File("tone.wav").info.length
    other = TinyTag.get("tone.wav").duration
    right = soundfile.info("tone.wav").duration
    print(f"{subtype}: {stated}, soundfile {right:.2f} s, tinytag {other:.2f} s, mutagen {length:.3f} s")
    assert low < length < high, "mutagen gives another length now"
    assert 9.9 < other < 10.2
PY
