"""Export of a trained codec's weights: half the bytes, the same layout, and their origin in the header."""

from pathlib import Path

import torch

from mimidiar.encoders.mimi.autoencode import settled_state
from mimidiar.encoders.mimi.sizes import CodecSize
from mimidiar.encoders.mimi.tap import load_mimi
from mimidiar.models.weights import read_weight_file, save_tensors

FORMAT = "mimidiar-codec-1"
PRECISIONS = {"fp16": torch.float16, "fp32": torch.float32}


def export_codec(path: Path, out: Path, precision: str = "fp16") -> int:
    """Write the codec of a model folder's model.safetensors to `out` with numbers of `precision`; its size in bytes.

    moshi's loader reads it into 32 bits. Raises MimidiarError for a file that `train_codec` did not write.
    """
    _, header = read_weight_file(path, FORMAT, framework="pt")
    state = settled_state(load_mimi(path, CodecSize(**header["size"])))
    tensors = {name: value.to(PRECISIONS[precision]) for name, value in state.items()}
    save_tensors(tensors, out, header | {"precision": precision})
    return out.stat().st_size
