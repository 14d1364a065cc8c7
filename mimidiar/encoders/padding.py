"""Batches of audio of several lengths as whole frames: samples past a length have no effect."""

import torch
from torch import Tensor


def pad_to_frames(audio: Tensor, lengths: Tensor, frame_samples: int) -> tuple[Tensor, Tensor]:
    """Audio (B, T) and lengths (B,) in samples -> audio (B, n * frame_samples), 0 past each length, and the frames (B,)
    that each length needs; n is the most of these.
    """
    frames = -(-lengths // frame_samples)
    samples = int(frames.max()) * frame_samples
    audio = torch.nn.functional.pad(audio, (0, max(0, samples - audio.shape[1])))[:, :samples]
    return audio * (torch.arange(samples, device=audio.device) < lengths[:, None]), frames


def without_padding(features: Tensor, frames: Tensor) -> Tensor:
    """Features (B, F, D) with 0 past each row's `frames` (B,)."""
    inside = torch.arange(features.shape[1], device=features.device) < frames[:, None]
    return features * inside[:, :, None]
