"""A speaker encoder behind the same protocol as a codec: windows of 16 kHz audio in, a vector every 80 ms out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from mimidiar.annotation.regions import Region
from mimidiar.audio.files import in_frames
from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.encoders.speaker.grid import Grid, neighbours
from mimidiar.encoders.speaker.windowing import LABEL_HZ, Cut
from mimidiar.encoders.speaker.windows import (
    Embedder,
    audible,
    embed_chunks,
    embed_pieces,
    embed_recordings,
    frame_times,
    in_regions,
    mix,
)
from mimidiar.encoders.speech import find_speech, find_speech_in_chunks
from mimidiar.errors import MimidiarError


class SpeakerEncoder(Encoder):
    """The `Encoder` protocol on a model that embeds windows."""

    def __init__(self, spec: EncoderSpec, embedder: Embedder, cut: Cut, device: Any):
        self.spec, self.frame_samples = spec, round(spec.sample_rate / LABEL_HZ)
        self.embedder, self.cut, self.device = embedder, cut, device

    @torch.inference_mode()
    def encode(self, audio: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Audio (B, T) and lengths (B,) in samples -> embeddings (B, F, D) and frames (B,).

        A recording counts as padded with zeros to a whole frame. Embeddings have unit length; in digital silence, and
        past a row's frames, they are 0.
        """
        frames = -(-torch.as_tensor(lengths) // self.frame_samples)
        rows = []
        for row, length, count in zip(audio.to(self.device), lengths.tolist(), frames.tolist(), strict=True):
            rows.append(torch.nn.functional.pad(row[:length], (0, count * self.frame_samples - length)))
        speech = find_speech([row.cpu().numpy() for row in rows]) if self.cut.speech else None
        embeddings = embed_recordings(self.embedder, rows, self.cut, speech)
        return torch.nn.utils.rnn.pad_sequence(embeddings, batch_first=True), frames.to(self.device)

    @torch.inference_mode()
    def encode_recording(
        self, read: Callable[[], Iterable[np.ndarray]], speech: Sequence[Region] | None = None
    ) -> np.ndarray:
        """Embeddings (F, D) of one recording, whose audio `read()` gives in chunks, each time anew: those of `encode`.

        Memory does not grow with the audio, only with the embeddings. For a cut by speech its regions are found unless
        they are given, in seconds.
        """

        def whole_frames() -> Iterator[np.ndarray]:
            return in_frames(read(), self.frame_samples)

        heard = np.zeros(0, bool)
        for audio in whole_frames():
            more = audible(torch.from_numpy(audio), len(audio) // self.frame_samples, self.sample_rate)
            heard = np.concatenate([heard, more])
        if self.cut.speech:
            regions = find_speech_in_chunks([whole_frames()])[0] if speech is None else speech
            heard &= in_regions(regions, len(heard))
        return embed_chunks(self.embedder, whole_frames, self.cut, heard, self.device).numpy()

    @contextmanager
    def stream(self, batch_size: int) -> Iterator["SpeakerStream"]:
        """Start `batch_size` streams in step. MimidiarError for a cut by speech, which is found in whole recordings."""
        if self.cut.speech:
            raise MimidiarError(
                f"{self.spec.name} at {self.spec.tap} hears whole recordings; for a stream leave out -speech"
            )
        yield SpeakerStream(self, batch_size)


class SpeakerStream:
    """`batch_size` streams in step, of the same frames as `encode`; the state is the audio that windows still need.

    A frame is given out when the windows on both its sides have been heard in full: up to `lookahead_frames` later than
    its audio. `end` gives out the rest.
    """

    def __init__(self, encoder: SpeakerEncoder, batch_size: int):
        self._encoder, self._grid = encoder, Grid.of(encoder.cut, encoder.sample_rate)
        self._audio = torch.zeros(batch_size, 0, device=encoder.device)
        self._first = 0  # the sample of the recording that `_audio` begins with
        self._audible = np.zeros((batch_size, 0), bool)  # of frames heard and not given out
        self._given = 0
        self._centres: list[int] = []  # of the windows computed: all of them, and the vectors (B, D) of the last one
        self._vectors: list[torch.Tensor] = []

    @torch.inference_mode()
    def step(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio (B, n * frame_samples) -> embeddings (B, f, D) of the frames that are settled by now, perhaps none."""
        encoder, samples = self._encoder, audio.shape[1]
        if len(audio) != len(self._audio) or samples == 0 or samples % encoder.frame_samples:
            expected = f"({len(self._audio)}, n x {encoder.frame_samples})"
            raise ValueError(f"a step of {tuple(audio.shape)}: expected {expected} samples, n >= 1")
        self._audio = torch.cat([self._audio, audio.to(encoder.device)], dim=1)
        heard = audible(audio, samples // encoder.frame_samples, encoder.sample_rate)
        self._audible = np.concatenate([self._audible, heard], axis=1)
        upcoming = self._centres[-1] + self._grid.hop if self._centres else self._grid.edge
        # Whatever follows, these windows stay as they are; an end might make a later one shorter.
        self._embed(range(upcoming, self._heard - self._grid.half + 1, self._grid.hop), self._heard)
        settled = np.count_nonzero(self._times() < self._centres[-1]) if self._centres else 0
        given = self._give(settled)
        self._forget()
        return given

    @torch.inference_mode()
    def end(self) -> torch.Tensor:
        """Embeddings (B, f, D) of the frames that `step` held back; the stream has ended with them."""
        self._embed(self._grid.centres(self._heard)[len(self._centres) :], self._heard)
        return self._give(self._audible.shape[1])

    @property
    def _heard(self) -> int:
        return self._first + self._audio.shape[1]

    def _times(self) -> np.ndarray:
        return frame_times(self._audible.shape[1], self._encoder.sample_rate, self._given)

    def _embed(self, centres, samples: int) -> None:
        spans = [self._grid.span(int(centre), samples) for centre in centres]
        pieces = [row[first - self._first : last - self._first] for first, last in spans for row in self._audio]
        if pieces:
            vectors = embed_pieces(self._encoder.embedder, pieces)
            self._vectors += vectors.unflatten(0, (len(spans), len(self._audio))).unbind()
            self._centres += map(int, centres)

    def _give(self, frames: int) -> torch.Tensor:
        if not frames:
            return torch.zeros(len(self._audio), 0, self._encoder.dim, device=self._encoder.device)
        times, heard = self._times()[:frames], self._audible[:, :frames]
        before, after, share = neighbours(np.array(self._centres), times, self._encoder.cut.interpolation)
        kept = len(self._centres) - len(self._vectors)
        vectors = torch.stack(self._vectors, dim=1)
        self._audible, self._given = self._audible[:, frames:], self._given + frames
        return mix(vectors[:, before - kept], vectors[:, after - kept], share, heard)

    def _forget(self) -> None:
        """Drop audio and vectors that no later window and no later frame needs."""
        upcoming = self._centres[-1] + self._grid.hop if self._centres else 0
        first = max(self._first, min(upcoming - self._grid.half, self._heard - 2 * self._grid.edge))
        self._audio, self._first = self._audio[:, first - self._first :].clone(), first
        self._vectors = self._vectors[-1:]
