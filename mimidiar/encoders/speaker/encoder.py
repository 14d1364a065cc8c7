"""A speaker encoder behind the same protocol as a codec: windows of 16 kHz audio in, a vector every 80 ms out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.encoders.speaker.windowing import EmbeddingWindows
from mimidiar.encoders.speaker.windows import (
    Embedder,
    Grid,
    audible,
    embed_recordings,
    embed_segments,
    frame_times,
    plan_windows,
)
from mimidiar.encoders.vad import VadStream, speech_frames


class SpeakerEncoder(Encoder):
    """The `Encoder` protocol on a model that embeds windows."""

    def __init__(self, spec: EncoderSpec, embedder: Embedder, windowing: EmbeddingWindows, device: Any):
        self.spec, self.frame_samples = spec, round(spec.sample_rate / LABEL_HZ)
        self.embedder, self.windowing, self.device = embedder, windowing, device

    @property
    def by_speech(self) -> bool:
        """Whether embeddings are 0 without speech; a stream can be given the speech activity."""
        return self.windowing.speech

    @torch.inference_mode()
    def encode(self, audio: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Audio (B, T) and lengths (B,) in samples -> embeddings (B, F, D) and frames (B,).

        A recording is padded with zeros to a whole frame. Embeddings have unit length; they are 0 in digital silence
        and past a row's frames, and at a tap with `-speech` also where nobody speaks.
        """
        frames = -(-torch.as_tensor(lengths) // self.frame_samples)
        rows = []
        for row, length, count in zip(audio.to(self.device), lengths.tolist(), frames.tolist(), strict=True):
            rows.append(torch.nn.functional.pad(row[:length], (0, count * self.frame_samples - length)))
        speech = [speech_frames(row)[:, 0].numpy() > 0 for row in rows] if self.windowing.speech else None
        embeddings = embed_recordings(self.embedder, rows, self.windowing, speech)
        return torch.nn.utils.rnn.pad_sequence(embeddings, batch_first=True), frames.to(self.device)

    @contextmanager
    def stream(self, batch_size: int, speech_given: bool = False) -> Iterator["SpeakerStream"]:
        """Start `batch_size` streams in step. A tap with `-speech` runs the VAD, unless each step is given the speech
        activity."""
        yield SpeakerStream(self, batch_size, speech_given)


class SpeakerStream:
    """`batch_size` streams in step, of the same frames as `encode`; the state is the audio that windows still need.

    A frame is returned once the windows on both its sides are complete and, at a tap with `-speech`, its speech
    activity is known: up to `lookahead_frames` later than its audio. Windows that no frame needs are not computed.
    """

    def __init__(self, encoder: SpeakerEncoder, batch_size: int, speech_given: bool):
        self._encoder, self._grid = encoder, Grid.of(encoder.windowing, encoder.sample_rate)
        self._audio = torch.zeros(batch_size, 0, device=encoder.device)
        self._first = 0  # the first sample of `_audio`, counted in the recording
        # Of frames that are not returned yet: which are audible, and, as far as known, which contain speech.
        self._audible, self._speech = (np.zeros((batch_size, 0), bool) for _ in range(2))
        self._vad = VadStream(batch_size) if encoder.windowing.speech and not speech_given else None
        self._given = 0
        self._centers: list[int] = []  # of the complete windows that may still be needed
        self._next = self._grid.edge  # the center of the window after these
        self._vectors: dict[int, torch.Tensor] = {}  # (B, D) by center, of those computed

    @torch.inference_mode()
    def step(self, audio: torch.Tensor, speech: np.ndarray | None = None) -> torch.Tensor:
        """Audio (B, n * frame_samples) -> embeddings (B, f, D) of the frames that are settled, f >= 0.

        `speech` (B, m): speech activity of the next m frames, if given.
        """
        encoder, samples = self._encoder, audio.shape[1]
        if len(audio) != len(self._audio) or samples == 0 or samples % encoder.frame_samples:
            expected = f"({len(self._audio)}, n x {encoder.frame_samples})"
            raise ValueError(f"a step of {tuple(audio.shape)}: expected {expected} samples, n >= 1")
        self._audio = torch.cat([self._audio, audio.to(encoder.device)], dim=1)
        loud = audible(audio, samples // encoder.frame_samples, encoder.sample_rate)
        self._audible = np.concatenate([self._audible, loud], axis=1)
        self._judge(self._vad.step(audio)[..., 0].numpy() if self._vad else speech)
        # These windows are final; the end of the recording could shorten later ones.
        while self._next <= self._received - self._grid.half:
            self._centers.append(self._next)
            self._next += self._grid.hop
        settled = np.count_nonzero(self._times() < self._centers[-1]) if self._centers else 0
        return self._give(min(settled, self._judged))

    @torch.inference_mode()
    def end(self, speech: np.ndarray | None = None) -> torch.Tensor:
        """Embeddings (B, f, D) of the frames that `step` held back; the stream has ended with them."""
        self._judge(self._vad.end()[..., 0].numpy() if self._vad else speech)
        last = self._next - self._grid.hop if self._next > self._grid.edge else -1
        self._centers += [int(center) for center in self._grid.centers(self._received) if center > last]
        return self._give(self._audible.shape[1])

    @property
    def _received(self) -> int:
        return self._first + self._audio.shape[1]

    @property
    def _judged(self) -> int:
        return self._speech.shape[1] if self._encoder.windowing.speech else self._audible.shape[1]

    def _judge(self, speech: np.ndarray | None) -> None:
        if self._encoder.windowing.speech and speech is not None:
            self._speech = np.concatenate([self._speech, speech > 0], axis=1)

    def _times(self) -> np.ndarray:
        return frame_times(self._audible.shape[1], self._encoder.sample_rate, self._given)

    def _give(self, frames: int) -> torch.Tensor:
        batch, dim = len(self._audio), self._encoder.dim
        if not frames:
            return torch.zeros(batch, 0, dim, device=self._encoder.device)
        active = self._audible[:, :frames]
        if self._encoder.windowing.speech:
            active = active & self._speech[:, :frames]
        times = self._times()
        plan = plan_windows(np.array(self._centers), times[:frames], active, self._encoder.windowing.interpolation)
        self._embed([int(center) for center in plan.centers if int(center) not in self._vectors])
        vectors = [self._vectors[int(center)] for center in plan.centers]
        found = plan.fill(torch.stack(vectors, dim=1) if vectors else torch.zeros(batch, 0, dim).to(self._audio))
        self._audible, self._speech = self._audible[:, frames:], self._speech[:, frames:]
        self._given += frames
        self._forget()
        return found

    def _embed(self, centers: list[int]) -> None:
        ranges = [self._grid.bounds(center, self._received) for center in centers]
        segments = [row[first - self._first : last - self._first] for first, last in ranges for row in self._audio]
        if segments:
            vectors = embed_segments(self._encoder.embedder, segments).to(self._audio.device)
            self._vectors |= zip(centers, vectors.unflatten(0, (len(ranges), -1)).unbind(), strict=True)

    def _forget(self) -> None:
        """Drop audio, centers and vectors that no later frame needs."""
        upcoming = frame_times(1, self._encoder.sample_rate, self._given)[0]
        before = [center for center in self._centers if center <= upcoming][-1:]
        self._centers = [center for center in self._centers if center >= upcoming or center in before]
        self._vectors = {center: own for center, own in self._vectors.items() if center in self._centers}
        needed = min([*self._centers, self._next]) - self._grid.half
        first = max(self._first, min(needed, self._received - 2 * self._grid.edge))
        self._audio, self._first = self._audio[:, first - self._first :].clone(), first
