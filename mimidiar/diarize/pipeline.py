"""The contract of the diarizer: steps on frames of 80 ms, and the session that runs them, on a stream or a whole.

A step has no state of its own: the state is passed in and out, so that many streams can share a step. The session does
buffering, look-ahead and the end of a recording. A whole recording is one push, then `end`.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np

from mimidiar.diarize.state import State


@dataclass(frozen=True)
class Frames:
    """T frames of 80 ms of B recordings: named arrays (B, T, ...), None where there is none (yet)."""

    valid: np.ndarray  # Bool (B, T): of the recording, and not before its beginning or after its end
    features: np.ndarray | None = None  # (B, T, D), what the model reads
    activity: np.ndarray | None = None  # Bool (B, T): somebody speaks, by the VAD
    embeddings: np.ndarray | None = None  # (B, T, E), 0 where there is none
    embedded: np.ndarray | None = None  # Bool (B, T): where embeddings count; None: wherever there are any
    # (B, T, L, K): posteriors of overlapping windows, each on one of L lanes with a frame of nan before the next there
    lanes: np.ndarray | None = None
    posteriors: np.ndarray | None = None  # (B, T, S)
    active: np.ndarray | None = None  # Bool (B, T, S): the turns

    def __len__(self) -> int:
        return self.valid.shape[1]

    def arrays(self) -> dict[str, np.ndarray]:
        """Those that are there, by name."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name)) is not None}

    def __getitem__(self, frames: Any) -> "Frames":
        """Some of the frames, of all recordings."""
        return Frames(**{name: value[:, frames] for name, value in self.arrays().items()})

    def copy(self) -> "Frames":
        """In memory of their own: a part keeps all that it is a part of."""
        return Frames(**{name: value.copy() for name, value in self.arrays().items()})


def join_frames(parts: Sequence[Frames]) -> Frames:
    """Frames one after the other."""
    some = [part for part in parts if len(part)] or parts[-1:]
    if len(some) == 1:
        return some[0]
    arrays = [part.arrays() for part in some]
    return Frames(**{name: np.concatenate([each[name] for each in arrays], axis=1) for name in arrays[0]})


NOTHING = Frames(np.zeros((1, 0), bool))


class Step(Protocol):
    """One part of a pipeline."""

    lookahead_frames: int | None  # outputs come so many frames late; None: it needs the whole recording at once
    consumes: tuple[str, ...]  # arrays that nobody needs after it

    def init_state(self, batch: int) -> State:
        """The state at the beginning of `batch` recordings."""

    def step(self, frames: Frames, state: State, mask: np.ndarray | None = None) -> tuple[Frames, State]:
        """T frames in, T out, of what this step makes; rows that `mask` (B,) leaves out stand still. Nothing in place.

        After the end of a recording come frames that are not `valid`, until all its own are out.
        """


class Source(Protocol):
    """What makes frames of a stream: of audio, or of a codec that runs."""

    def push(self, chunk: Any) -> Frames:
        """The frames that are settled by now."""

    def end(self) -> Frames:
        """The rest."""


@dataclass(frozen=True)
class Pipeline:
    """Segmenter, gate, tracker, binarizer: those of them that are wanted, in this order."""

    steps: tuple[Step, ...]

    def run(self, frames: Frames) -> Frames:
        """A whole recording (B = 1)."""
        session = Session(self)
        return join_frames([session.push(frames), session.end()])


class Session:
    """One recording on its way through a pipeline, from a source, or from frames as they are."""

    def __init__(self, pipeline: Pipeline, source: Source | None = None):
        self._source, self._steps = source, pipeline.steps
        self._states = [step.init_state(1) for step in self._steps]
        self._held: list[list[Frames]] = [[] for _ in self._steps]  # of each step, what it has not answered yet

    def push(self, chunk: Any) -> Frames:
        """Take a chunk of the recording; what is decided by now."""
        return self._run(chunk if self._source is None else self._source.push(chunk), False)

    def end(self) -> Frames:
        """The rest, once all chunks are in."""
        return self._run(None if self._source is None else self._source.end(), True)

    def _run(self, frames: Frames | None, ending: bool) -> Frames:
        for number in range(len(self._steps)):
            frames = self._advance(number, frames, ending)
        return NOTHING if frames is None else frames

    def _advance(self, number: int, frames: Frames | None, ending: bool) -> Frames | None:
        """What step `number` makes of the next frames, beside all that they were before; None where it waits."""
        step, held = self._steps[number], self._held[number]
        if frames is not None and (len(frames) or not held):
            held.append(frames)
        if not held or (not ending and (frames is None or not len(frames) or step.lookahead_frames is None)):
            return None
        whole = join_frames(held)
        held.clear()  # of hours, two copies count
        if step.lookahead_frames is None:
            _return_freed_memory()
            given, self._states[number] = step.step(whole, self._states[number])
        else:
            parts = [] if frames is None else [self._step(number, frames)]
            if ending:
                parts.append(self._step(number, _padding(whole, step.lookahead_frames)))
            given = join_frames(parts)
            given = given[given.valid[0]]
        held[:] = [whole[len(given) :].copy()]
        made = {name: value for name, value in given.arrays().items() if name != "valid"}
        kept = replace(whole[: len(given)], **dict.fromkeys((*step.consumes, *made)))
        return replace(kept if len(given) == len(whole) else kept.copy(), **made)

    def _step(self, number: int, frames: Frames) -> Frames:
        given, self._states[number] = self._steps[number].step(frames, self._states[number])
        return given


def _return_freed_memory() -> None:
    """Have glibc return to the system what was freed in small pieces: of hours of frames some hundred MB, which it
    would keep."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _padding(like: Frames, frames: int) -> Frames:
    """Frames that are not valid, with the arrays of others."""
    shapes = {name: (len(value), frames, *value.shape[2:]) for name, value in like.arrays().items()}
    return Frames(**{name: np.zeros(shape, getattr(like, name).dtype) for name, shape in shapes.items()})
