"""Who speaks when in a whole recording: a diarizer in one file, and how it is used.

diarizer = Diarizer.from_pretrained("mini-fusion")
annotation = diarizer("meeting.wav", max_speakers=6)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mimidiar.annotation.activity import active_turns, arrival_order
from mimidiar.annotation.text_file import many
from mimidiar.annotation.turns import LABEL_HZ, Turn, cut_at
from mimidiar.audio.files import AudioRecording, array_recording, file_recording
from mimidiar.diarize.binarize import Binarization, Binarize
from mimidiar.diarize.clustering import ANY_NUMBER, Clustering, Count, make_count
from mimidiar.diarize.frontend import AudioFrontend
from mimidiar.diarize.pipeline import Frames, Pipeline, Session, join_frames
from mimidiar.diarize.segmenter import SpeechGate, WindowedAdapter, Windowing
from mimidiar.diarize.tracker import ClusterAtEnd, Overlap
from mimidiar.encoders.protocol import Encoder
from mimidiar.encoders.registry import describe_maker
from mimidiar.errors import MimidiarError
from mimidiar.features.fused_store import split_meta
from mimidiar.log import log
from mimidiar.models.build import TrainedModel, build_trained
from mimidiar.models.projection import Projection, build_projection
from mimidiar.shipped import DIARIZER as FORMAT
from mimidiar.shipped import diarizer_file
from mimidiar.torch_setup import one_thread, pick_device
from mimidiar.weight_files import load_weights

if TYPE_CHECKING:
    from pyannote.core import Annotation, SlidingWindowFeature

DEFAULT_MODEL = "mini-fusion"
MODEL, PROBE = "model.", "probe."  # what tensors of the file are called by


@dataclass(frozen=True)
class Settings:
    """How windows of a recording become its turns: by `clustering`, or without, by their overlap; and with
    `speech_margin_sec` only so near to speech (`SpeechGate`)."""

    window_sec: float
    hop_sec: float
    speech_margin_sec: float | None
    clustering: Clustering | None
    binarization: Binarization

    def check(self) -> None:
        """Raise ValueError unless all are numbers that can be meant."""
        Windowing.of(self.window_sec, self.hop_sec)
        if self.speech_margin_sec is not None and not (
            isfinite(self.speech_margin_sec) and self.speech_margin_sec >= 0
        ):
            raise ValueError(f"speech_margin_sec is {self.speech_margin_sec}; at least 0")
        if self.clustering is not None:
            self.clustering.check()
        self.binarization.check()

    def pipeline(self, trained: TrainedModel, count: Count = ANY_NUMBER) -> Pipeline:
        """The steps from features to turns. MimidiarError for a number of speakers without a clustering."""
        if self.clustering is None and count != ANY_NUMBER:
            raise MimidiarError(
                "this diarizer has no clustering, so that its model alone decides on the number of speakers; leave "
                "that out"
            )
        segmenter = WindowedAdapter(trained, Windowing.of(self.window_sec, self.hop_sec))
        gate = () if self.speech_margin_sec is None else (SpeechGate(self.speech_margin_sec),)
        tracker = Overlap() if self.clustering is None else ClusterAtEnd(self.clustering, count)
        return Pipeline((segmenter, *gate, tracker, Binarize(self.binarization)))


@dataclass(frozen=True)
class DiarizerParts:
    """The content of a diarizer file: all but the weights of the encoders. Embeddings are those of the last encoder,
    or, with `probe`, the projected frames of the first. `encoders`: the identity of each (`split_meta`)."""

    path: Path
    trained: TrainedModel
    probe: Projection | None
    settings: Settings
    encoders: list[dict[str, Any]]


def read_diarizer(path: str | Path) -> DiarizerParts:
    """Read a diarizer file. MimidiarError that names the file and what is wrong with it."""
    return build_parts(*load_weights(path, FORMAT), Path(path))


def build_parts(tensors: dict[str, Tensor], header: dict[str, Any], path: Path) -> DiarizerParts:
    """The parts of a file's tensors and header; MimidiarError, naming `path`, where they do not make a diarizer."""
    tensors = {name: value.float() if value.dtype == torch.float16 else value for name, value in tensors.items()}
    if odd := sorted(name for name in tensors if not name.startswith((MODEL, PROBE))):
        raise MimidiarError(f"{path}: contains {odd[0]}, which belongs to no part of a diarizer; make the file again")
    try:
        margin, clustering = header["speech_margin_sec"], header["linking"]
        settings = Settings(
            float(header["window_sec"]),
            float(header["hop_sec"]),
            None if margin is None else float(margin),
            None if clustering is None else Clustering(**clustering),
            Binarization(**header["decision"]),
        )
        settings.check()
        model, probe = header["model"], header["probe"]
        encoders = split_meta(model["encoder"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MimidiarError(f"{path}: its header describes no diarizer of this version ({error})") from None
    trained = build_trained(_named(tensors, MODEL), model, path)
    projection = None
    if probe is not None:
        projection = build_projection({k: v.numpy() for k, v in _named(tensors, PROBE).items()}, probe, path).compact()
    _check(trained, encoders, projection, settings, path)
    return DiarizerParts(path, trained, projection, settings, encoders)


def _named(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(part): value for name, value in tensors.items() if name.startswith(part)}


def _check(trained: TrainedModel, encoders: list, probe: Projection | None, settings: Settings, path: Path) -> None:
    if trained.front is not None:
        raise MimidiarError(f"{path}: the model contains trained layers of the codec, which no diarizer runs yet")
    speaks = encoders[-1].get("embedding_dim") or len(encoders) > 1
    if probe is None and not speaks and settings.clustering is not None:
        raise MimidiarError(
            f"{path}: the model reads {encoders[0]['encoder']} alone, which has no speaker embeddings; give a probe of "
            "its features (--probe)"
        )
    if probe is not None and probe.dim != encoders[0]["dim"]:
        raise MimidiarError(
            f"{path}: the probe reads {probe.dim} dimensions, {encoders[0]['encoder']} at {encoders[0]['tap']} has "
            f"{encoders[0]['dim']}"
        )


@dataclass(frozen=True)
class Diarization:
    """The `turns` of a recording by start, inside the length that was read, and the `posteriors` (T, S), one row every
    80 ms, of its `speakers` in the order of their first turns. `peak`: largest magnitude of a sample; `speech_sec`:
    speech by the VAD."""

    recording: AudioRecording
    speakers: list[str]
    turns: list[Turn]
    posteriors: np.ndarray
    peak: float
    speech_sec: float
    channels: Mapping[str, int] | None = None  # that of each speaker, from 1, where each channel is a speaker

    def warn(self, count: Count, name: str | Path) -> None:
        """Log a warning where there are fewer speakers in the recording called `name` than `count` asks for, or none
        although it is not silent."""
        if not self.turns and self.peak > 0:
            heard = f"the VAD found {self.speech_sec:.1f} s of speech in {self.recording.seconds:,.1f} s"
            level = f"the peak is at {20 * np.log10(self.peak):.0f} dBFS"
            log.warning(
                f"{name}: nobody found: {heard}, {level}; listen to it: another channel (--per-channel), another audio "
                "stream, or a copy with less noise may hold the speech"
            )
        elif count.least > max(len(self.speakers), 1):
            few = f"{many(len(self.speakers), 'speaker')} found, {count.least} were asked for"
            log.warning(f"{name}: {few}: no others could be separated, or had a turn")

    def annotation(self) -> "Annotation":
        """As pyannote has it."""
        from pyannote.core import Annotation, Segment

        annotation = Annotation(uri=self.recording.name)
        for track, turn in enumerate(self.turns):
            annotation[Segment(turn.start, turn.end), track] = turn.speaker
        return annotation

    def sliding_windows(self) -> "SlidingWindowFeature":
        """The posteriors as pyannote has them."""
        from pyannote.core import SlidingWindow, SlidingWindowFeature

        frames = SlidingWindow(duration=1 / LABEL_HZ, step=1 / LABEL_HZ, start=0.0)
        return SlidingWindowFeature(self.posteriors, frames, labels=self.speakers)


class Diarizer:
    """A trained model with its encoders and tuned settings; a call diarizes one recording."""

    def __init__(self, parts: DiarizerParts, encoders: Sequence[Encoder]):
        self.parts, self.encoders = parts, encoders

    @classmethod
    def from_pretrained(
        cls, model: str | Path = DEFAULT_MODEL, device: str = "auto", checkpoint: str | Path | None = None
    ) -> "Diarizer":
        """Load a diarizer of the package by its name, or one of `mimidiar model bundle` by the path of its file.

        `device`: cpu, cuda, or auto (a GPU if there is one). `checkpoint`: weights of the codec, if the package does
        not include them. MimidiarError for an unknown name, a file without a diarizer, and encoder weights that are
        missing or differ from those in training.
        """
        parts = read_diarizer(diarizer_file(model))
        makers = [describe_maker(meta, None if number else checkpoint) for number, meta in enumerate(parts.encoders)]
        place = pick_device(device)
        return cls(parts, [maker.build(place) for maker in makers])

    def __call__(
        self,
        audio: Any,
        sample_rate: int | None = None,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        return_posteriors: bool = False,
    ) -> "Annotation | tuple[Annotation, SlidingWindowFeature]":
        """Diarize an audio file, or samples (T,) or (T, channels) at `sample_rate`. Channels are averaged.

        Speakers are spk0, spk1, ... in order of their first turns; their number is estimated within the given bounds.
        With `return_posteriors`, also returns the posteriors of the speakers, every 80 ms. MimidiarError for a file or
        samples without audio (`audio.read_audio`), and for numbers of speakers that contradict each other; a warning is
        logged where fewer are found.
        """
        is_file = isinstance(audio, str | Path)
        if is_file == (sample_rate is not None):
            raise MimidiarError(
                "a file has its own sampling rate: leave out sample_rate" if is_file else "samples need a sample_rate"
            )
        recording = file_recording(audio) if is_file else array_recording(audio, sample_rate)
        count = make_count(num_speakers, min_speakers, max_speakers)
        found = self.diarize(recording, count)
        found.warn(count, audio if is_file else "the samples")
        return (found.annotation(), found.sliding_windows()) if return_posteriors else found.annotation()

    def diarize(self, recording: AudioRecording, count: Count = ANY_NUMBER) -> Diarization:
        """Diarize a recording; embeddings and posteriors, but not the audio, are in memory as a whole."""
        with one_thread():
            return self._run(recording, count)

    def turns(self, frames: Frames, recording: AudioRecording, peak: float, speech_sec: float) -> Diarization:
        """The result from a pipeline's frames of the whole recording: speakers by arrival, turns within its length."""
        active, posteriors = frames.active[0], frames.posteriors[0]
        order = [column for column in arrival_order(active) if active[:, column].any()]
        speakers = [f"spk{number}" for number in range(len(order))]
        found = active_turns(active[:, order], LABEL_HZ, speakers, recording.name or "")
        turns = list(cut_at(found, recording.seconds))
        return Diarization(recording, speakers, turns, posteriors[:, order], peak, speech_sec)

    def _run(self, recording: AudioRecording, count: Count) -> Diarization:
        source = AudioFrontend(self.encoders, self.parts.probe).stream(recording.sample_rate)
        pipeline = self.parts.settings.pipeline(self.parts.trained, count)
        session = Session(pipeline, source)
        given, samples, peak = [], 0, 0.0
        for chunk in recording.read():
            given.append(session.push(chunk))
            samples, peak = samples + len(chunk), max(peak, float(np.abs(chunk).max(initial=0)))
        frames = join_frames([*given, session.end()])
        recording = replace(recording, seconds=samples / recording.sample_rate)
        return self.turns(frames, recording, peak, source.speech_frames / LABEL_HZ)
