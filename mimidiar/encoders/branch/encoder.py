"""A codec with its speaker branch behind the `Encoder` protocol: 80 ms are one unit vector and two probabilities."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from mimidiar.encoders.branch.network import SpeakerBranch
from mimidiar.encoders.padding import pad_to_frames, without_padding
from mimidiar.encoders.protocol import Encoder, EncoderSpec, EncoderStream


class BranchEncoder(Encoder):
    """Frames [unit vector (E,) | probability of speech, of overlap], from the features of all `inputs`."""

    def __init__(self, spec: EncoderSpec, inputs: Sequence[Encoder], branch: SpeakerBranch, device: Any):
        """The look-ahead of `spec` is one of the branch's."""
        self.spec, self.inputs, self.device = spec, inputs, torch.device(device)
        self.branch = branch.to(device).eval().requires_grad_(False)
        self.place = branch.lookaheads.index(spec.lookahead_frames)
        self.frame_samples = inputs[0].frame_samples

    def encode(self, audio: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Audio (B, T) and lengths (B,) in samples -> frames (B, F, E + 2) and their number (B,); silence follows each
        recording."""
        lengths = torch.as_tensor(lengths, device=self.device)
        audio, frames = pad_to_frames(audio.to(self.device), lengths, self.frame_samples)
        with self.stream(len(audio)) as stream:
            found = torch.cat([stream.step(audio), stream.end()], dim=1)
        return without_padding(found, frames), frames

    @contextmanager
    def stream(self, batch_size: int) -> "Iterator[BranchStream]":
        """Start `batch_size` streams in step."""
        with ExitStack() as stack:
            yield BranchStream(self, [stack.enter_context(each.stream(batch_size)) for each in self.inputs], batch_size)


class BranchStream:
    """`batch_size` streams in step; frames come `lookahead_frames` late."""

    def __init__(self, encoder: BranchEncoder, streams: Sequence[EncoderStream], batch_size: int):
        self._encoder, self._streams, self._batch = encoder, streams, batch_size
        self._state = encoder.branch.init_state(batch_size)
        self._early = encoder.lookahead_frames  # outputs to come that are about frames before the first

    @torch.inference_mode()
    def step(self, audio: Tensor) -> Tensor:
        """Audio (B, n * frame_samples) -> the frames (B, f, E + 2) that are settled, f <= n."""
        encoder = self._encoder
        features = side_by_side([each.step(audio) for each in self._streams])
        output, self._state = encoder.branch(features, self._state)
        found = torch.cat([output.embeddings, output.activity.sigmoid()], dim=-1)[:, encoder.place]
        dropped = min(self._early, found.shape[1])
        self._early -= dropped
        return found[:, dropped:]

    def end(self) -> Tensor:
        """The last frames (B, f, E + 2)."""
        late = self._encoder.lookahead_frames
        silence = torch.zeros(self._batch, late * self._encoder.frame_samples, device=self._encoder.device)
        return self.step(silence) if late else silence.new_zeros(self._batch, 0, self._encoder.dim)


def side_by_side(streams: Sequence[Tensor]) -> Tensor:
    """Features (B, n T, D), each with a whole n -> (B, T, sum of n D): all frames of a label frame are stacked."""
    length = min(each.shape[1] for each in streams)
    return torch.cat([each.unflatten(1, (length, -1)).flatten(2) for each in streams], dim=-1)
