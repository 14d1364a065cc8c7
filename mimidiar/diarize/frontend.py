"""Sources of frames: stored features, without torch; or audio that is decoded once for all encoders."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.audio.level import LevelGain
from mimidiar.audio.signal import make_resampler
from mimidiar.diarize.pipeline import Frames
from mimidiar.encoders.branch import SPEECH
from mimidiar.encoders.protocol import Encoder
from mimidiar.encoders.silero import FRAME, SAMPLE_RATE
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import embedding_dim, on_time_axis, open_features
from mimidiar.models.frame_stacking import stack_frames, stacking_factor
from mimidiar.models.projection import Projection

PROBED_FRAMES = 10_000  # at once: a probe has as many outputs as its training had speakers


class StoredFeatures:
    """The stored features, speaker embeddings and speech activity of a set's recordings; each is optional.

    Embeddings are those of a speaker encoder or branch, or, with a probe, projected features of a codec. Speech
    activity is that of the VAD, or of a branch. `front` is a trained part of the codec, applied to the features first
    (`TrainedModel.front`).
    """

    def __init__(
        self,
        features: Path | None = None,
        embeddings: Path | None = None,
        vad: Path | None = None,
        probe: Projection | None = None,
        front=None,
    ):
        """MimidiarError for a folder without features, and for a probe of other features."""
        opened = (open_features(each) if each else None for each in (features, embeddings, vad))
        self.features, self.embeddings, self.vad = opened
        self._probe, self._front = probe, front
        if probe is not None and probe.dim != embedding_dim(self.embeddings):
            raise MimidiarError(
                f"the probe reads {probe.dim} dimensions, and {embeddings} has {embedding_dim(self.embeddings)}; name "
                "the features that it was trained on"
            )
        if self.vad is not None and self.vad.dim != 1 and not self.vad.meta.get("embedding_dim"):
            raise MimidiarError(f"{vad}: {self.vad.dim} columns, which is no speech activity; extract --encoder vad")

    def read(self, name: str, frames: int | None = None) -> Frames:
        """A whole recording (B = 1) of `frames`, else as many as it has features. MimidiarError if it is not there."""
        found: dict[str, np.ndarray] = {}
        if self.features is not None:
            found["features"] = self._features(name)
            frames = len(found["features"])
        if self.embeddings is not None:
            rate, own = self.embeddings.frame_hz / LABEL_HZ, slice(embedding_dim(self.embeddings))
            on_axis = on_time_axis(_read(self.embeddings, name)[:, own], rate, 0, frames)
            found["embeddings"] = probed(self._probe, on_axis)
        if self.vad is not None:
            found["activity"] = _cropped(speech_of(_read(self.vad, name), self.vad.meta.get("embedding_dim")), frames)
        return Frames(np.ones((1, frames), bool), **{key: value[None] for key, value in found.items()})

    def _features(self, name: str) -> np.ndarray:
        features = _read(self.features, name)
        if self._front is not None:
            import torch

            return self._front.run(torch.from_numpy(features)).numpy()
        return stack_frames(features, stacking_factor(self.features.frame_hz))


def _read(store, name: str) -> np.ndarray:
    if name not in store:
        raise MimidiarError(f"{store.folder}: no features of '{name}'; extract the features of this set")
    return store.read(name)


def speech_of(frames: np.ndarray, embedding_dim: int | None) -> np.ndarray:
    """Bool (T,): speech, by the frames (T, 1) of the VAD, or (T, D) of a branch, behind the embedding."""
    return frames[:, embedding_dim] > SPEECH if embedding_dim else frames[:, 0] > 0


def _cropped(activity: np.ndarray, frames: int) -> np.ndarray:
    return np.pad(activity[:frames], (0, max(0, frames - len(activity))))


def probed(probe: Projection | None, frames: np.ndarray) -> np.ndarray:
    """Features (T, D) of label frames, projected by a probe to float32 (T, E); unchanged without a probe."""
    if probe is None or not len(frames):
        return frames
    parts = range(0, len(frames), PROBED_FRAMES)
    return np.concatenate([probe(frames[start : start + PROBED_FRAMES]).astype(np.float32) for start in parts])


@dataclass(frozen=True)
class AudioFrontend:
    """Encoders and silero-vad in one pass of audio; features are concatenated on the time axis of the first encoder.

    Embeddings are those of the last encoder, or, with a probe, the projected features of the first. A speaker branch
    alone gives the speech activity itself, in the place of silero-vad.
    """

    encoders: Sequence[Encoder]
    probe: Projection | None

    def stream(self, sample_rate: int) -> "AudioStream":
        """A recording at `sample_rate` from its beginning."""
        return AudioStream(self, sample_rate)


class AudioStream:
    """One recording: chunks of audio in, frames out as soon as they are final in all encoders and the VAD.

    Only the audio that a window of the speaker encoder still needs is in memory.
    """

    def __init__(self, frontend: AudioFrontend, sample_rate: int):
        self._frontend, self._open = frontend, ExitStack()
        self._gain = LevelGain(sample_rate)
        self._vad = None if has_activity(frontend.encoders) else _vad_listener()
        self._listeners = [self._listener(encoder) for encoder in frontend.encoders]
        rates = {listener.sample_rate for listener in self._all}
        self._resamplers = {rate: make_resampler(sample_rate, rate) for rate in rates}
        self._given = 0  # label frames
        self.speech_frames = 0  # label frames that are speech by the VAD, so far

    @property
    def _all(self) -> "list[_Listener]":
        return self._listeners if self._vad is None else [self._vad, *self._listeners]

    def push(self, chunk: np.ndarray) -> Frames:
        """Audio (T,) float32 -> the frames (B = 1) that are settled by now."""
        return self._take(self._gain.step(chunk), False)

    def end(self) -> Frames:
        """The rest; the end counts as padded with zeros to a whole frame."""
        return self._take(np.zeros(0, np.float32), True)

    def _listener(self, encoder: Encoder) -> "_Listener":
        told = self._vad is not None and getattr(encoder, "by_speech", False)
        stream = self._open.enter_context(encoder.stream(1, speech_given=True) if told else encoder.stream(1))
        form = encoder.sample_rate, encoder.frame_samples, encoder.frame_hz, encoder.dim
        return _Listener(stream, *form, late=encoder.lookahead_frames > 0, by_speech=told)

    def _take(self, chunk: np.ndarray, last: bool) -> Frames:
        audio = {rate: resample(chunk, last) for rate, resample in self._resamplers.items()}
        speech = None if self._vad is None else self._vad.take(audio[self._vad.sample_rate], last)[:, 0] > 0
        for listener in self._listeners:
            listener.take(audio[listener.sample_rate], last, speech)
        factor = stacking_factor(self._listeners[0].hz)
        settled = [listener.settled(LABEL_HZ) for listener in self._all]
        frames = -(-self._listeners[0].count // factor) if last else min(settled)
        given = self._frames(self._given, frames, factor)
        self._given = frames
        self.speech_frames += int(given.activity.sum())
        if last:
            self._open.close()
        return given

    def _frames(self, start: int, stop: int, factor: int) -> Frames:
        """Label frames [start, stop), and what they are made of forgotten."""
        first, *others = self._listeners
        last = min(stop * factor, first.count)
        columns = [first.on_axis(first.hz, start * factor, last)]
        columns += [other.on_axis(first.hz, start * factor, last) for other in others]
        features = stack_frames(np.concatenate(columns, axis=1), factor)
        embeddings, activity = self._embeddings(start, stop), self._activity(start, stop)
        for listener in self._all:
            listener.forget(stop / LABEL_HZ)
        return Frames(np.ones((1, stop - start), bool), features[None], activity[None], embeddings[None])

    def _embeddings(self, start: int, stop: int) -> np.ndarray:
        probe, encoders = self._frontend.probe, self._frontend.encoders
        place = 0 if probe is not None else len(encoders) - 1
        own = self._listeners[place].on_axis(LABEL_HZ, start, stop)
        return probed(probe, own[:, : encoders[place].spec.embedding_dim or None])

    def _activity(self, start: int, stop: int) -> np.ndarray:
        if self._vad is None:
            return speech_of(
                self._listeners[0].on_axis(LABEL_HZ, start, stop), self._frontend.encoders[0].spec.embedding_dim
            )
        frames = self._vad.on_axis(LABEL_HZ, start, min(stop, self._vad.count))
        return _cropped(speech_of(frames, None), stop - start)


def has_activity(encoders: Sequence[Encoder]) -> bool:
    """Whether they are one, whose frames say who speaks and whether somebody does."""
    return len(encoders) == 1 and 0 < encoders[0].spec.embedding_dim < encoders[0].dim


def _vad_listener() -> "_Listener":
    from mimidiar.encoders.vad import VadStream

    return _Listener(VadStream(1), SAMPLE_RATE, FRAME, LABEL_HZ, 1, True)


class _Listener:
    """One encoder's stream on one recording, and its frames that are not given out yet."""

    def __init__(self, stream, sample_rate: int, frame_samples: int, hz: float, dim: int, late: bool, by_speech=False):
        self.sample_rate, self.hz = sample_rate, hz
        self._stream, self._frame_samples, self._late, self._by_speech = stream, frame_samples, late, by_speech
        self._rest = np.zeros(0, np.float32)
        self._first, self._frames = 0, np.zeros((0, dim), np.float32)

    @property
    def count(self) -> int:
        """Frames that have come, given out or not."""
        return self._first + len(self._frames)

    def take(self, audio: np.ndarray, last: bool, speech: np.ndarray | None = None) -> np.ndarray:
        """Audio (T,) at its rate -> the frames (f, D) that it settles, which are kept as well."""
        import torch

        audio = np.concatenate([self._rest, audio])
        if last:
            audio = np.pad(audio, (0, -len(audio) % self._frame_samples))
        whole = len(audio) // self._frame_samples * self._frame_samples
        self._rest = audio[whole:]
        more = {"speech": speech[None]} if self._by_speech else {}
        found = [self._stream.step(torch.from_numpy(audio[None, :whole]), **more)] if whole else []
        if last and self._late:
            found.append(self._stream.end(**({"speech": speech[None, :0]} if found and more else more)))
        new = [each[0].cpu().numpy() for each in found]
        self._frames = np.concatenate([self._frames, *new])
        return self._frames[len(self._frames) - sum(map(len, new)) :]

    def settled(self, hz: float) -> int:
        """Frames of another axis that nothing to come changes."""
        return int(self.count * hz / self.hz + 1e-6)

    def on_axis(self, hz: float, start: int, stop: int) -> np.ndarray:
        """Frames [start, stop) of another axis (`on_time_axis`)."""
        if not len(self._frames):
            return np.zeros((max(stop - start, 0), self._frames.shape[1]), np.float32)
        return on_time_axis(self._frames, self.hz / hz, start, stop, self._first)

    def forget(self, seconds: float) -> None:
        """Drop the frames before that; the last one stays, since it stands for those that never come."""
        drop = min(max(int(seconds * self.hz + 1e-6) - self._first, 0), max(len(self._frames) - 1, 0))
        self._frames, self._first = self._frames[drop:], self._first + drop
