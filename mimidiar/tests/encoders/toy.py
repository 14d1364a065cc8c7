"""An encoder as somebody would add one: its own frame rate and dimension. 50 frames a second, 7 values each."""

from contextlib import contextmanager

import torch

from mimidiar.encoders.protocol import EncoderSpec

RATE, HOP, BANDS = 16000, 320, 7
FRAME_SAMPLES = 4 * HOP  # 80 ms, one label frame


def toy(name, tap, checkpoint, seed) -> EncoderSpec:
    """No weights, one tap."""
    sizes = (RATE, RATE / HOP, BANDS)
    return EncoderSpec(name, "loudness", ("loudness",), *sizes, "none", "0" * 64, lambda *_: ToyEncoder(name))


class ToyEncoder:
    """The loudness of seven parts of each 20 ms."""

    def __init__(self, name: str):
        self.spec = toy(name, None, None, 0)
        self.name, self.tap, self.taps = self.spec.name, self.spec.tap, self.spec.taps
        self.weights, self.weights_sha256 = self.spec.weights, self.spec.weights_sha256
        self.sample_rate, self.frame_hz, self.dim, self.lookahead_frames = RATE, RATE / HOP, BANDS, 0
        self.frame_samples = FRAME_SAMPLES

    def encode(self, audio, lengths):
        """Audio (B, T), lengths (B,) -> features (B, F, 7), 0 past each length, and frames (B,)."""
        lengths = torch.as_tensor(lengths)
        inside = torch.arange(audio.shape[1]) < lengths[:, None]
        features = self.step(torch.nn.functional.pad(audio * inside, (0, -audio.shape[1] % FRAME_SAMPLES)))
        frames = -(-lengths // FRAME_SAMPLES) * 4
        return features * (torch.arange(features.shape[1]) < frames[:, None])[..., None], frames

    @contextmanager
    def stream(self, batch_size: int):
        """Frames depend on nothing before them, so that a stream has no state."""
        yield self

    def step(self, audio):
        """Audio (B, n * 1280) -> features (B, 4 n, 7)."""
        parts = audio.unflatten(-1, (-1, HOP))[..., : HOP // BANDS * BANDS].unflatten(-1, (BANDS, -1))
        return (parts.square().mean(-1) + 1e-6).log()
