"""Speech activity by silero-vad, step by step: for corpora without word times, and for diarization.

The network is that of silero-vad 6 (16 kHz), built here on the weights of its wheel, so that many steps go through the
convolutions at once and through the LSTM in one call; one step at a time, as in the original, takes ten times as long.
Its rule from probabilities to speech is kept, with a bound on its delay.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from mimidiar.annotation.activity import runs
from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.encoders.silero import FRAME, SAMPLE_RATE, weights_file

STEP, CONTEXT = 512, 64  # samples: the network's step of 32 ms, and its context of the step before
# Speech begins where the probability reaches SPEECH, and ends where it falls below SILENCE and does not come back
# within PAUSE steps (100 ms); speech up to SHORTEST steps (250 ms) is dropped.
SPEECH, SILENCE = 0.5, 0.35
PAUSE, SHORTEST = 3.125, 7.8125
# Between the two thresholds silero-vad waits without limit; here it becomes silence after this number of steps.
LONGEST_WAIT = 12
CHUNK_STEPS = 1024  # at once: half a minute


class SileroVad(nn.Module):
    """Probability of speech every 32 ms; causal."""

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)
        self.conv1, self.conv2 = nn.Conv1d(129, 128, 3, padding=1), nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3, self.conv4 = nn.Conv1d(64, 64, 3, stride=2, padding=1), nn.Conv1d(64, 128, 3, padding=1)
        self.lstm, self.final_conv = nn.LSTM(128, 128), nn.Conv1d(128, 1, 1)

    def forward(self, audio: Tensor, memory: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Audio (B, CONTEXT + n * STEP), which begins with the end of the audio before, and the LSTM's memory ->
        probabilities (B, n), and the new memory."""
        steps = audio.unfold(1, CONTEXT + STEP, STEP)
        x = nn.functional.pad(steps.flatten(0, 1), (0, 64), "reflect")
        real, imaginary = self.stft_conv(x[:, None]).split(129, dim=1)
        x = (real.square() + imaginary.square()).sqrt()
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = layer(x).relu()
        hidden, memory = self.lstm(x[..., 0].unflatten(0, steps.shape[:2]).transpose(0, 1), memory)
        return self.final_conv(hidden.relu().permute(1, 2, 0))[:, 0].sigmoid(), memory


@cache
def load_silero_vad() -> SileroVad:
    """The network with the weights of the wheel, ready to run on a CPU; one for the whole process."""
    tensors = torch.jit.load(weights_file(), "cpu").state_dict()
    model = SileroVad()
    names = {
        "stft_conv.weight": "stft.forward_basis_buffer",
        **{f"conv{k + 1}.{kind}": f"encoder.{k}.reparam_conv.{kind}" for k in range(4) for kind in ("weight", "bias")},
        **{f"lstm.{kind}_{at}_l0": f"decoder.rnn.{kind}_{at}" for kind in ("weight", "bias") for at in ("ih", "hh")},
        **{f"final_conv.{kind}": f"decoder.decoder.2.{kind}" for kind in ("weight", "bias")},
    }
    model.load_state_dict({own: tensors[f"_model.{theirs}"] for own, theirs in names.items()})
    return model.eval().requires_grad_(False)


class SpeechSteps:
    """From the probabilities of a recording's steps to speech activity; a step is classified as early as possible."""

    def __init__(self) -> None:
        self._seen = self._judged = 0
        self._start: int | None = None  # of the speech that goes on
        self._end: int | None = None  # where it may have ended: the first step below SILENCE

    def step(self, probabilities: Iterable[float]) -> np.ndarray:
        """The next steps' probabilities -> Bool (n,): the next classified steps."""
        judged: list[bool] = []
        for probability in probabilities:
            self._take(probability, judged)
            self._seen += 1
            if self._start is None:
                self._judge(self._seen, False, judged)
            elif self._long_enough(self._seen if self._end is None else self._end):
                self._judge(self._seen if self._end is None else self._end, True, judged)
        return np.array(judged, bool)

    def end(self, missing: float = 0.0) -> np.ndarray:
        """The steps that `step` held back; the share `missing` of the last one lies past the end."""
        judged: list[bool] = []
        if self._start is not None:
            self._judge(self._seen, self._long_enough(self._seen - missing), judged)
        return np.array(judged, bool)

    def _take(self, probability: float, judged: list[bool]) -> None:
        if probability >= SPEECH:
            self._start = self._seen if self._start is None else self._start
            self._end = None
        elif self._start is not None:
            if self._end is None and probability < SILENCE:
                self._end = self._seen
            if self._end is not None:
                waited = self._seen - self._end
                if (waited >= PAUSE and probability < SILENCE) or waited >= LONGEST_WAIT:
                    self._judge(self._end, self._long_enough(self._end), judged)
                    self._start = self._end = None

    def _long_enough(self, end: float) -> bool:
        return end - self._start > SHORTEST

    def _judge(self, until: int, speech: bool, judged: list[bool]) -> None:
        judged += [speech] * (until - self._judged)
        self._judged = max(self._judged, until)


class VadStream:
    """`batch` recordings in step: audio in, speech activity of 80 ms frames out, up to `lookahead_frames` later."""

    def __init__(self, batch: int):
        self._rest = torch.zeros(batch, CONTEXT)  # audio after the last whole step, and the context before it
        self._memory: tuple[Tensor, Tensor] | None = None
        self._rows = [SpeechSteps() for _ in range(batch)]
        self._judged = [np.zeros(0, bool) for _ in range(batch)]  # steps of frames that are not returned yet
        self._samples = self._given = self._first = 0  # samples received, frames returned, first step of _judged

    @torch.inference_mode()
    def step(self, audio: Tensor) -> Tensor:
        """Audio (B, n * FRAME) at 16 kHz -> activity (B, f, 1), 0 or 1, of the frames that are classified in all
        rows."""
        self._samples += audio.shape[1]
        self._process(audio.cpu())
        return self._give(min(map(len, self._judged)))

    @torch.inference_mode()
    def end(self) -> Tensor:
        """The activity (B, f, 1) of all frames held back; nothing may follow."""
        missing = -(self._rest.shape[1] - CONTEXT) % STEP
        self._process(torch.zeros(len(self._rest), missing))
        for number, row in enumerate(self._rows):
            self._judged[number] = np.concatenate([self._judged[number], row.end(missing / STEP)])
        return self._give(None)

    def _process(self, audio: Tensor) -> None:
        audio = torch.cat([self._rest, audio], dim=1)
        steps = (audio.shape[1] - CONTEXT) // STEP
        for first in range(0, steps, CHUNK_STEPS):
            last = min(first + CHUNK_STEPS, steps)
            chunk = audio[:, first * STEP : last * STEP + CONTEXT]
            probabilities, self._memory = load_silero_vad()(chunk, self._memory)
            for number, row in enumerate(probabilities.tolist()):
                self._judged[number] = np.concatenate([self._judged[number], self._rows[number].step(row)])
        self._rest = audio[:, steps * STEP :]

    def _give(self, steps: int | None) -> Tensor:
        """Frames with their middle in the first `steps` classified steps; None: all frames with audio."""
        frames = np.arange(self._given, self._samples // FRAME)
        middles = (frames * FRAME + FRAME // 2) // STEP - self._first
        middles = middles if steps is None else middles[middles < steps]
        given = np.stack([row[middles] for row in self._judged])[..., None]
        self._given += len(middles)
        drop = min((self._given * FRAME + FRAME // 2) // STEP - self._first, *map(len, self._judged))
        self._judged = [row[drop:] for row in self._judged]
        self._first += drop
        return torch.from_numpy(given.astype(np.float32))


class VadEncoder(Encoder):
    """The `Encoder` protocol on speech activity: one column, 1 where somebody speaks in the middle of the frame."""

    frame_samples = FRAME

    def __init__(self, spec: EncoderSpec):
        self.spec = spec

    def encode(self, audio: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Audio (B, T) and lengths (B,) in samples -> activity (B, F, 1) and frames (B,), each row by itself."""
        frames = -(-torch.as_tensor(lengths) // FRAME)
        rows = [speech_frames(row[:length]) for row, length in zip(audio, lengths.tolist(), strict=True)]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True), frames

    @contextmanager
    def stream(self, batch_size: int) -> Iterator[VadStream]:
        """Start `batch_size` streams in step."""
        yield VadStream(batch_size)


def speech_frames(audio: Tensor) -> Tensor:
    """A whole recording (T,) at 16 kHz, padded with zeros to whole frames -> its activity (F, 1)."""
    stream = VadStream(1)
    begin = stream.step(nn.functional.pad(audio.cpu(), (0, -len(audio) % FRAME))[None])
    return torch.cat([begin, stream.end()], dim=1)[0]


def speech_segments(utterances: Iterable[np.ndarray]) -> Iterator[list[tuple[float, float]]]:
    """For each utterance (float32 samples at 16 kHz) the (start, end) of its speech in seconds, in order.

    An utterance without speech gives an empty list.
    """
    torch.set_num_threads(1)
    for samples in utterances:
        missing = -len(samples) % STEP
        audio = nn.functional.pad(torch.from_numpy(samples), (CONTEXT, missing))[None]
        with torch.inference_mode():
            probabilities, _ = load_silero_vad()(audio, None)
        judge = SpeechSteps()
        speech = np.concatenate([judge.step(probabilities[0].tolist()), judge.end(missing / STEP)])
        yield [(a * STEP / SAMPLE_RATE, min(b * STEP, len(samples)) / SAMPLE_RATE) for a, b in runs(speech)]
