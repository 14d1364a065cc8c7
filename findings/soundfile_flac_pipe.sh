#!/usr/bin/env bash
# soundfile: a FLAC file of unknown length, as an encoder leaves it that writes to a pipe.
#
# Expected: a whole file, written by FFmpeg's encoder to an output that cannot seek, is read whole. A FLAC header with 0 as
#   its count of samples is valid and means "not known" (RFC 9639, section 8.2), as the encoder cannot go back to fill it in.
# Happens: `soundfile.info` gives 2^63 - 1 samples and 18 million years, `soundfile.read` wants an array of that length, and
#   a loop that reads block by block raises at the last block instead of giving what is left: up to one block is lost. PyAV
#   and miniaudio read all of it.
# Who meets it: whoever records or converts by a pipe (`ffmpeg ... -f flac - > call.flac`) and loads the result in Python.
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


class Pipe:
    """An output that can be written, but has no seek."""

    def __init__(self):
        self.data = bytearray()

    def write(self, data):
        self.data += bytes(data)
        return len(data)


samples = (3000 * np.random.default_rng(0).standard_normal((1, 48000))).astype(np.int16)
pipe = Pipe()
with av.open(pipe, "w", format="flac") as output:
    stream = output.add_stream("flac", rate=16000, layout="mono", format="s16")
    for start in range(0, 48000, 1600):
        frame = av.AudioFrame.from_ndarray(samples[:, start : start + 1600], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16000, start
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
with open("pipe.flac", "wb") as file:
    file.write(pipe.data)
stated = int.from_bytes(pipe.data[21:26], "big") & (2**36 - 1)
print("count of samples in the header of the file:", stated)
assert stated == 0

with av.open("pipe.flac") as container:
    decoded = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
print("PyAV reads", decoded.shape[1], "samples, the same as written:", np.array_equal(decoded, samples))
assert np.array_equal(decoded, samples)
decoded = np.asarray(miniaudio.flac_read_file_s16("pipe.flac").samples)
print("miniaudio reads", len(decoded), "samples, the same as written:", np.array_equal(decoded, samples[0]))
assert np.array_equal(decoded, samples[0])

info = soundfile.info("pipe.flac")
print(f"soundfile.info: {info.frames} samples, {info.duration / (365.25 * 86400):,.0f} years")
assert info.frames == 2**63 - 1, "it gives another length now"
try:
    soundfile.read("pipe.flac")
    raise SystemExit("soundfile.read reads it now")
except ValueError as error:
    print("soundfile.read:", error)
count = 0
with soundfile.SoundFile("pipe.flac") as file:
    try:
        while len(block := file.read(4096)):
            count += len(block)
        raise SystemExit("a loop reads it to its end now")
    except soundfile.LibsndfileError as error:
        print(f"soundfile, blocks of 4,096: {error} After {count} samples of 48000")
assert count == 45056
PY
