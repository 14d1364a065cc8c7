#!/usr/bin/env bash
# PyAV (FFmpeg): the end of a short Ogg Vorbis file.
#
# Expected: an Ogg Vorbis file states its exact count of samples in its last page, so that each decoder gives as many.
# Happens: where all audio fits in one page (up to some seconds of speech), PyAV gives a few hundred samples less or more,
#   depending on rate and content: the last 256 samples of the signal are missing, or 448 that are not part of it follow. The
#   start is right, and so are longer files. libsndfile and miniaudio give the exact count.
# Who meets it: whoever trains on short utterances stored as Ogg Vorbis, and compares lengths, or labels by sample, between
#   loaders.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "soundfile==0.14.0" "av==18.1.0" "miniaudio==1.71" "numpy==2.2.6" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import av
import miniaudio
import numpy as np
import soundfile

print(*(f"{name} {version(name)} -" for name in ("soundfile", "av", "miniaudio")), soundfile.__libsndfile_version__)


def pages(path):
    """The granule position (here: count of samples up to its end) of each page."""
    with open(path, "rb") as file:
        data = file.read()
    positions, start = [], 0
    while start < len(data):
        segments = data[start + 26]
        positions.append(int.from_bytes(data[start + 6 : start + 14], "little"))
        start += 27 + segments + sum(data[start + 27 : start + 27 + segments])
    return positions


for rate, seconds, expected in ((24000, 1.5, -256), (16000, 1.5, 448), (16000, 30, 0)):
    time = np.arange(int(seconds * rate)) / rate
    signal = 0.3 * np.sin(2 * np.pi * 220 * time)
    signal += 0.02 * np.random.default_rng(0).standard_normal(len(time)) * (seconds > 2)  # more data, more pages
    soundfile.write("tone.ogg", signal, rate, subtype="VORBIS")
    positions = pages("tone.ogg")
    reference = soundfile.read("tone.ogg", dtype="float32")[0]
    other = miniaudio.decode_file(
        "tone.ogg", nchannels=1, sample_rate=rate, output_format=miniaudio.SampleFormat.FLOAT32
    ).samples
    with av.open("tone.ogg") as container:
        decoded = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    common = min(len(reference), len(decoded))
    apart = float(np.abs(reference[:common] - decoded[:common]).max())
    print(
        f"{rate} Hz, {sum(position > 0 for position in positions)} page(s) of audio: stated {positions[-1]}, libsndfile"
        f" {len(reference)}, miniaudio {len(other)}, PyAV {len(decoded)} ({len(decoded) - positions[-1]:+}); first {common}"
        f" of libsndfile and PyAV differ by {apart:.1e} at most"
    )
    assert positions[-1] == len(signal) == len(reference) == len(other)
    assert apart < 1e-4
    assert len(decoded) - positions[-1] == expected, "PyAV gives another count now"
PY
