"""Who speaks when in a whole recording: the diarizer as a builder uses it.

diarizer = Diarizer.from_pretrained("mini-fusion")
annotation = diarizer("meeting.wav", max_speakers=6)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mimidiar.annotation.activity import Interval, arrival_order, intervals
from mimidiar.diarize.audio_source import Sound, array_sound, file_sound
from mimidiar.diarize.binarize import decide
from mimidiar.diarize.clustering import ANY_NUMBER, Count, make_count
from mimidiar.diarize.diarizer_file import FORMAT, DiarizerParts, read_diarizer
from mimidiar.diarize.frontend import hear
from mimidiar.diarize.infer_windows import local_posteriors
from mimidiar.diarize.speaker_assignment import link
from mimidiar.diarize.windows import Window
from mimidiar.encoders.protocol import Encoder
from mimidiar.encoders.registry import describe_maker
from mimidiar.errors import MimidiarError
from mimidiar.models.frame_stacking import LABEL_HZ
from mimidiar.shipped import shipped_file
from mimidiar.torch_setup import one_thread, pick_device

if TYPE_CHECKING:
    from pyannote.core import Annotation, SlidingWindowFeature

DEFAULT_MODEL = "mini-fusion"


@dataclass(frozen=True)
class Diarization:
    """The `turns` of a sound by start, inside its `seconds`, and the `posteriors` (T, S), one row every 80 ms, of its
    `speakers` in the order in which they are first heard."""

    sound: Sound
    speakers: list[str]
    turns: list[Interval]
    posteriors: np.ndarray

    def annotation(self) -> "Annotation":
        """As pyannote has it."""
        from pyannote.core import Annotation, Segment

        annotation = Annotation(uri=self.sound.name)
        for track, turn in enumerate(self.turns):
            annotation[Segment(turn.start, turn.end), track] = turn.speaker
        return annotation

    def sliding_windows(self) -> "SlidingWindowFeature":
        """The posteriors as pyannote has them."""
        from pyannote.core import SlidingWindow, SlidingWindowFeature

        frames = SlidingWindow(duration=1 / LABEL_HZ, step=1 / LABEL_HZ, start=0.0)
        return SlidingWindowFeature(self.posteriors, frames, labels=self.speakers)


class Diarizer:
    """A trained model with its encoders and all that is tuned; called with a recording, it says who speaks when."""

    def __init__(self, parts: DiarizerParts, encoders: Sequence[Encoder]):
        self.parts, self.encoders = parts, encoders

    @classmethod
    def from_pretrained(
        cls, model: str | Path = DEFAULT_MODEL, device: str = "auto", checkpoint: str | Path | None = None
    ) -> "Diarizer":
        """A diarizer that comes with the package, by its name, or of `mimidiar bundle`, by the path of its file.

        `device` is where the encoders run (auto: on a GPU where there is one; cpu, cuda); `checkpoint` the codec's
        weights file, if it needs one.
        MimidiarError for an unknown name, a file that is no diarizer, and encoders whose weights are not at hand or
        other ones than the model was trained on.
        """
        parts = read_diarizer(model if _is_path(model) else shipped_file(str(model), FORMAT))
        place, checkpoints = pick_device(device), [checkpoint] + [None] * len(parts.encoders)
        makers = [describe_maker(meta, file) for meta, file in zip(parts.encoders, checkpoints, strict=False)]
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
        """Who speaks when in an audio file, or in samples (T,) or (T, channels) at `sample_rate`; their mean is heard.

        Speakers are spk0, spk1, ... in the order in which they are first heard; how many there are is found, between
        the numbers that are given. With `return_posteriors` besides, every 80 ms, how surely each of them speaks.
        MimidiarError for a file or samples that are no audio (`audio.read_audio`), and numbers that cannot be together.
        """
        is_file = isinstance(audio, str | Path)
        if is_file == (sample_rate is not None):
            raise MimidiarError(
                "a file says at which rate it is: leave out sample_rate" if is_file else "samples need a sample_rate"
            )
        sound = file_sound(audio) if is_file else array_sound(audio, sample_rate)
        found = self.diarize(sound, make_count(num_speakers, min_speakers, max_speakers))
        return (found.annotation(), found.sliding_windows()) if return_posteriors else found.annotation()

    @property
    def passes(self) -> int:
        """How often `diarize` reads a recording from beginning to end."""
        return 1 + sum(1 if encoder.lookahead_frames is not None else 2 for encoder in self.encoders)

    def diarize(self, sound: Sound, count: Count = ANY_NUMBER) -> Diarization:
        """The same of a `Sound`, whose signal is never whole in memory; its features are."""
        with one_thread():
            posteriors = self._posteriors(sound, count)
        active = decide(posteriors, LABEL_HZ, self.parts.settings.decision)
        order = [column for column in arrival_order(active) if active[:, column].any()]
        speakers = [f"spk{number}" for number in range(len(order))]
        found = intervals(active[:, order], LABEL_HZ, speakers)
        turns = [Interval(a, min(b, sound.seconds), name) for a, b, name in found if a < sound.seconds]
        return Diarization(sound, speakers, turns, posteriors[:, order])

    def _posteriors(self, sound: Sound, count: Count) -> np.ndarray:
        """(T, S) of the whole recording: windows, without what they say far from any speech, linked by voice."""
        parts, settings = self.parts, self.parts.settings
        heard = hear(sound, self.encoders, parts.probe, settings.speech_margin_sec)
        if not heard.near_speech.any():
            return np.zeros((len(heard.near_speech), 0), np.float32)
        windows = local_posteriors(parts.trained, heard.features, settings.window_sec, settings.hop_sec)
        near = heard.near_speech[:, None]
        windows = [Window(each.start, each.posteriors * near[each.start : each.stop]) for each in windows]
        return link(windows, heard.voices, settings.linking, count)


def _is_path(model: str | Path) -> bool:
    """Names of diarizers that are shipped have neither suffix nor folder."""
    return isinstance(model, Path) or Path(model).name != model or Path(model).suffix != ""
