"""Where in whole recordings somebody speaks, by silero-vad: what masks embeddings, in training as in use.

silero-vad takes a step of 32 ms after the other, and many rows at once for the price of a few. So recordings are cut
into pieces that go side by side, each with some audio before it, on which the detector settles, and after it, so that a
pause or a word at the cut is judged whole.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from mimidiar.annotation.regions import Region, intersect, union
from mimidiar.corpora.audio import SAMPLE_RATE

PIECE_SEC = 12.0
AROUND_SEC = 1.5  # before and after a piece: longer than the pauses and words that silero-vad leaves out


def find_speech(recordings: Sequence[np.ndarray], piece_sec: float = PIECE_SEC) -> list[list[Region]]:
    """Recordings (T,) float32 at 16 kHz -> for each the regions with speech, disjoint and sorted, in seconds."""
    from mimidiar.corpora.alignment import speech_segments

    pieces = [(i, *cut) for i, audio in enumerate(recordings) for cut in _pieces(len(audio), piece_sec)]
    sounds = (recordings[i][first:last] for i, first, last, _ in pieces)
    found: list[list[Region]] = [[] for _ in recordings]
    for (i, first, _, inside), segments in zip(pieces, speech_segments(sounds), strict=True):
        offset = first / SAMPLE_RATE
        found[i] += intersect([(offset + start, offset + end) for start, end in segments], [inside])
    return [union(regions) for regions in found]


def _pieces(samples: int, piece_sec: float) -> Iterator[tuple[int, int, Region]]:
    """[first, last) sample of each piece with what is around it, and the stretch in seconds that it speaks for."""
    size, around = round(piece_sec * SAMPLE_RATE), round(AROUND_SEC * SAMPLE_RATE)
    for start in range(0, samples, size):
        end = min(start + size, samples)
        yield max(start - around, 0), min(end + around, samples), (start / SAMPLE_RATE, end / SAMPLE_RATE)
