"""Mimi behind the `Encoder` protocol: whole batches, streams, and all taps at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from mimidiar.encoders.mimi.all_taps import AllTaps, study_taps
from mimidiar.encoders.mimi.codebooks import are_empty
from mimidiar.encoders.mimi.sizes import FRAME_SAMPLES, LATENT_HZ
from mimidiar.encoders.mimi.tap import CHUNK_FRAMES, MimiTap
from mimidiar.encoders.padding import pad_to_frames, without_padding
from mimidiar.encoders.protocol import Encoder, EncoderSpec


class MimiStream:
    """`batch_size` streams in step. States belong to the stream, so that one encoder serves many side by side."""

    def __init__(self, model: MimiTap, batch_size: int, chunk_frames: int | None = None, frames: int | None = None):
        """Longer steps are split into chunks of `chunk_frames` latent frames; `frames`: the total, if known."""
        self._model = model
        chunk_frames = chunk_frames or max(4, CHUNK_FRAMES // batch_size)
        self._chunk = chunk_frames * FRAME_SAMPLES
        self._batch_size = batch_size
        self._device = next(model.parameters()).device
        with torch.inference_mode():
            self._states = model.new_states(batch_size, chunk_frames, frames)

    @torch.inference_mode()
    def step(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio (B, n * 1920) -> its features (B, F, D), the same for any division into steps.

        Raises ValueError for another batch size or a length that is no multiple of 1920.
        """
        batch_size, samples = audio.shape
        if batch_size != self._batch_size or samples == 0 or samples % FRAME_SAMPLES:
            raise ValueError(
                f"a step of {tuple(audio.shape)}: expected ({self._batch_size}, n x {FRAME_SAMPLES}) samples, n >= 1"
            )
        audio = audio.to(self._device)
        with self._attached():
            return torch.cat([self._model(chunk) for chunk in audio.split(self._chunk, dim=1)], dim=1)

    @contextmanager
    def _attached(self) -> Iterator[None]:
        self._model.set_streaming_state(self._states)
        try:
            yield
        finally:
            self._model.set_streaming_state(dict.fromkeys(self._states))


class MimiEncoder(Encoder):
    """The `Encoder` protocol on Mimi. `model` is the plain module, for training or inspection; with `AllTaps`
    a frame has several taps side by side.
    """

    frame_samples = FRAME_SAMPLES

    def __init__(self, spec: EncoderSpec, model: MimiTap | AllTaps):
        self.spec, self.model = spec, model.eval()
        self.device = next(self.model.parameters()).device

    def all_taps(self) -> tuple[Encoder, list[str]]:
        """Those of `study_taps`, or those before the quantizer where its codebooks are empty. The whole codec is built
        again, since this encoder ends at its own tap."""
        codec, taps = self.spec.build_codec(self.device), study_taps(self.spec.taps)
        if are_empty(codec.quantizer):
            taps = [tap for tap in taps if not tap.startswith("quantized.")]
        spec = replace(self.spec, tap="all", frame_hz=LATENT_HZ, dim=codec.dimension * len(taps))
        return MimiEncoder(spec, AllTaps(MimiTap(codec, taps[-1]), taps)), taps

    @torch.inference_mode()
    def encode(self, audio: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Audio (B, T) float32 at 24 kHz, lengths (B,) in samples -> features (B, F, D), frames (B,).

        The codec is causal: padding on the right reaches no frame of the recording itself. Samples past a length count
        as zeros, as moshi pads a single file; features past a row's frames are 0. A CPU takes rows one by one: a batch
        gains nothing there, and adds padding.
        """
        lengths = torch.as_tensor(lengths, device=self.device)
        if self.device.type == "cpu" and len(lengths) > 1:
            rows = [self.encode(row[None, :length], length[None]) for row, length in zip(audio, lengths, strict=True)]
            features, frames = zip(*rows, strict=True)
            return nn.utils.rnn.pad_sequence([each[0] for each in features], batch_first=True), torch.cat(frames)
        audio, blocks = pad_to_frames(audio.to(self.device), lengths, FRAME_SAMPLES)
        features = MimiStream(self.model, len(audio), frames=audio.shape[1] // FRAME_SAMPLES).step(audio)
        frames = blocks * round(self.frame_hz * FRAME_SAMPLES / self.sample_rate)
        return without_padding(features, frames), frames

    @contextmanager
    def stream(self, batch_size: int, chunk_frames: int | None = None) -> Iterator[MimiStream]:
        """Start `batch_size` streams in step. Longer steps are split into chunks of `chunk_frames` latent frames."""
        yield MimiStream(self.model, batch_size, chunk_frames)
