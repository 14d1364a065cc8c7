"""Where in whole recordings somebody speaks, by silero-vad: what masks embeddings, in training as in use.

silero-vad takes a step of 32 ms after the other, and many rows at once for the price of a few. So recordings are cut
into pieces that go side by side, each with some audio before it, on which the detector settles, and after it, so that a
pause or a word at the cut is judged whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, inf

import numpy as np

from mimidiar.annotation.regions import Region, intersect, union
from mimidiar.audio.corpus_audio import SAMPLE_RATE

PIECE_SEC = 12.0
AROUND_SEC = 1.5  # before and after a piece: longer than the pauses and words that silero-vad leaves out


def find_speech(recordings: Sequence[np.ndarray], piece_sec: float = PIECE_SEC) -> list[list[Region]]:
    """Recordings (T,) float32 at 16 kHz -> for each the regions with speech, disjoint and sorted, in seconds."""
    return find_speech_in_chunks([[audio] for audio in recordings], piece_sec)


def find_speech_in_chunks(
    recordings: Iterable[Iterable[np.ndarray]], piece_sec: float = PIECE_SEC, seconds: float = inf
) -> list[list[Region]]:
    """The same of recordings that come in chunks (T,); a batch of pieces is in memory at a time.

    `seconds` is their length together, where it is known: for short ones silero-vad is then quicker.
    """
    from mimidiar.encoders.vad import BATCH, speech_segments

    batch_rows = max(1, ceil(min(seconds / piece_sec, BATCH)))

    found: list[list[Region]] = []
    places: list[tuple[int, float, Region]] = []

    def sounds() -> Iterator[np.ndarray]:
        for i, chunks in enumerate(recordings):
            found.append([])
            for first, sound, inside in _pieces(chunks, piece_sec):
                places.append((i, first / SAMPLE_RATE, inside))
                yield sound

    for number, segments in enumerate(speech_segments(sounds(), batch_rows)):
        i, offset, inside = places[number]
        found[i] += intersect([(offset + start, offset + end) for start, end in segments], [inside])
    return [union(regions) for regions in found]


def _pieces(chunks: Iterable[np.ndarray], piece_sec: float) -> Iterator[tuple[int, np.ndarray, Region]]:
    """Of each piece the number of its first sample, its samples with what is around it, and the stretch in seconds that
    it speaks for."""
    size, around = round(piece_sec * SAMPLE_RATE), round(AROUND_SEC * SAMPLE_RATE)
    audio, first, start = np.zeros(0, np.float32), 0, 0
    for chunk in chunks:
        audio = np.concatenate([audio, chunk])
        while first + len(audio) >= start + size + around:
            yield _piece(audio, first, start, start + size, around)
            start += size
        kept = max(start - around, 0)
        audio, first = audio[kept - first :], kept
    samples = first + len(audio)
    for begin in range(start, samples, size):
        yield _piece(audio, first, begin, min(begin + size, samples), around)


def _piece(audio: np.ndarray, first: int, start: int, end: int, around: int) -> tuple[int, np.ndarray, Region]:
    """Samples [start, end) of a recording of which `audio` holds those from `first` on."""
    begin = max(start - around, 0)
    return begin, audio[begin - first : end + around - first], (start / SAMPLE_RATE, end / SAMPLE_RATE)
