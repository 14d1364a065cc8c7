"""Where in an utterance somebody speaks, found by silero-vad: the alignment of corpora that bring no word times."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from silero_vad import load_silero_vad
from silero_vad.utils_vad import get_speech_timestamps_from_probs

from mimidiar.audio.corpus_audio import SAMPLE_RATE

CHUNK = 512  # samples that silero-vad looks at in one step (32 ms at 16 kHz)
BATCH = 64  # utterances side by side: seven times the speed of one by one
# silero-vad pads every segment by 30 ms on both sides unless told otherwise. The labels are made of these segments, so
# they are kept as tight as its 32 ms steps allow.
PAD_MS = 0
MIN_SPEECH_MS = 250
MIN_SILENCE_MS = 100


def speech_segments(utterances: Iterable[np.ndarray], batch_rows: int = BATCH) -> Iterator[list[tuple[float, float]]]:
    """For each utterance (float32 samples at 16 kHz) the (start, end) of its speech in seconds, in order.

    An utterance without speech gives an empty list. The result depends only on the utterances and their order, and, by
    rounding, on how many go side by side: where they are few, fewer rows are quicker.
    """
    torch.set_num_threads(1)
    model = load_silero_vad()
    batch: list[np.ndarray] = []
    for samples in utterances:
        batch.append(samples)
        if len(batch) == batch_rows:
            yield from _segments_of_batch(model, batch, batch_rows)
            batch = []
    if batch:
        yield from _segments_of_batch(model, batch, batch_rows)


def _segments_of_batch(
    model: torch.nn.Module, batch: Sequence[np.ndarray], rows: int
) -> Iterator[list[tuple[float, float]]]:
    probabilities = _speech_probabilities(model, batch, rows)
    for samples, row in zip(batch, probabilities, strict=True):
        steps = -(-len(samples) // CHUNK)
        found = get_speech_timestamps_from_probs(
            row[:steps].tolist(),
            audio_length_samples=len(samples),
            sampling_rate=SAMPLE_RATE,
            speech_pad_ms=PAD_MS,
            min_speech_duration_ms=MIN_SPEECH_MS,
            min_silence_duration_ms=MIN_SILENCE_MS,
        )
        yield [(s["start"] / SAMPLE_RATE, min(s["end"], len(samples)) / SAMPLE_RATE) for s in found]


def _speech_probabilities(model: torch.nn.Module, batch: Sequence[np.ndarray], rows: int) -> torch.Tensor:
    """(utterances, steps) probabilities. The model is causal, so zeros after the end of an utterance change nothing."""
    steps = max(-(-len(samples) // CHUNK) for samples in batch)
    # Always as many rows: matrix products of another shape may round differently.
    padded = torch.zeros(rows, steps * CHUNK)
    for row, samples in zip(padded, batch, strict=False):
        row[: len(samples)] = torch.from_numpy(samples)
    model.reset_states()
    with torch.inference_mode():
        columns = [model(padded[:, k * CHUNK : (k + 1) * CHUNK], SAMPLE_RATE)[:, 0] for k in range(steps)]
    return torch.stack(columns, dim=1)[: len(batch)]
