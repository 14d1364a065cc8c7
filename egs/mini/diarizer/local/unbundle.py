#!/usr/bin/env python3
"""The model of a diarizer file, and its probe, as files of their own, as training writes them.

    local/unbundle.py DIARIZER.safetensors MODEL_FOLDER [PROBE_FOLDER]

So a shipped diarizer is tuned again without being trained again. Matrices in 16 bits become 32 bits.
"""

import sys
from pathlib import Path

import torch

from mimidiar.diarize.pretrained import FORMAT, MODEL, PROBE
from mimidiar.weight_files import load_weights, save_tensors


def main(diarizer: str, *folders: str) -> None:
    tensors, header = load_weights(diarizer, FORMAT)
    tensors = {name: value.float() if value.dtype == torch.float16 else value for name, value in tensors.items()}
    for folder, prefix, part in zip(folders, (MODEL, PROBE), ("model", "probe"), strict=False):
        own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        save_tensors(own, Path(folder) / "model.safetensors", header[part])


if __name__ == "__main__":
    main(*sys.argv[1:])
