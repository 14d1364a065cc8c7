#!/usr/bin/env bash
# kaldiio: A-law, mu-law and ADPCM in WAV files come back as raw bytes.
#
# Expected: a reader of the WAV files in a wav.scp decodes telephone speech in A-law or mu-law, or refuses it, as it refuses
#   WAV files of 24 bits or of floating-point samples.
# Happens: kaldiio does not look at the format code. It gives the coded bytes as if they were 8-bit samples, with no warning:
#   as many values as there are samples, but strongly distorted and at full scale even where the recording is quiet; of IMA
#   ADPCM, half as many values as there are samples.
# Who meets it: whoever builds a Kaldi-style data folder from telephone recordings.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "kaldiio==2.18.1" "soundfile==0.14.0" "numpy==2.2.6" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import kaldiio
import numpy as np
import soundfile

print("kaldiio", version("kaldiio"), "- soundfile", version("soundfile"), "for writing and comparing")
signal = 0.03 * np.sin(2 * np.pi * 200 * np.arange(8000) / 8000)
names = ("PCM_16", "PCM_U8", "ALAW", "ULAW", "IMA_ADPCM")
with open("wav.scp", "w", encoding="utf-8") as file:
    for name in names:
        soundfile.write(name + ".wav", signal, 8000, subtype=name)
        file.write(f"{name} {name}.wav\n")
data = kaldiio.load_scp("wav.scp")
for name in names:
    rate, samples = data[name]
    right = soundfile.read(name + ".wav")[0]
    scaled = samples / 32768 if samples.dtype == np.int16 else (samples - 128.0) / 128
    length = min(len(right), len(scaled))
    alike = float(np.corrcoef(right[:length], scaled[:length])[0, 1])
    print(
        f"{name}: {len(samples)} values of {samples.dtype}, soundfile {len(right)}; correlation {alike:.2f},"
        f" peak {np.abs(scaled).max():.2f}"
        f" instead of {np.abs(right).max():.2f}"
    )
    if name in ("PCM_16", "PCM_U8"):
        assert alike > 0.99
    else:
        assert samples.dtype == np.uint8 and np.abs(scaled).max() > 0.9, "it decodes them now"
assert len(data["IMA_ADPCM"][1]) < 0.6 * len(signal)
PY
