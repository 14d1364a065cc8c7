"""A branch with random weights in a file, beside the untrained codec and log-mel."""

from dataclasses import asdict
from pathlib import Path

import torch

from mimidiar.encoders.branch.network import BranchConfig, SpeakerBranch
from mimidiar.encoders.branch.spec import FORMAT
from mimidiar.encoders.registry import describe_encoder
from mimidiar.weight_files import save_weights

READS = (("mimi-random", "seams"), ("logmel", "mel24"))


def write_branch(path: Path) -> Path:
    """The path, of a small branch that reads `READS`."""
    specs = [describe_encoder(*each) for each in READS]
    torch.manual_seed(0)
    config = BranchConfig(input_dim=sum(s.dim * round(s.frame_hz / 12.5) for s in specs), width=16, dilations=[1, 2])
    header = {"format": FORMAT, "model": asdict(config), "encoders": [spec.meta() for spec in specs]}
    save_weights(SpeakerBranch(**asdict(config)), path, header)
    return path
