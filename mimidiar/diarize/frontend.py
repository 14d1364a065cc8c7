"""What a diarizer's encoders hear in a recording: chunk by chunk, so that the audio is never whole in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from mimidiar.annotation.activity import Interval, activity_matrix
from mimidiar.annotation.regions import Region, total_sec
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import in_frames
from mimidiar.diarize.audio_source import Sound
from mimidiar.encoders.protocol import Encoder
from mimidiar.encoders.recordings import encode_recording
from mimidiar.features.fused_store import on_time_axis
from mimidiar.models.frame_stacking import LABEL_HZ, stacking_factor
from mimidiar.models.projection import Projection

# Farther than the first from all other speech, less than the second, or than that share of a recording, is none.
ALONE_GAP_SEC, ALONE_SEC, ALONE_SHARE = 1.0, 0.6, 0.05
PROBED_FRAMES = 10_000  # at once: a probe has as many outputs as its training had speakers


@dataclass(frozen=True)
class Heard:
    """Of a recording the model's `features` (T', D) at the first encoder's rate; at the label rate the `voices` (T, E),
    0 where nobody speaks; and `near_speech` (T,), where somebody may speak."""

    features: np.ndarray
    voices: np.ndarray
    near_speech: np.ndarray


def hear(sound: Sound, encoders: Sequence[Encoder], probe: Projection | None, margin_sec: float) -> Heard:
    """Features of all encoders side by side on the time axis of the first, as a model is trained on (`FusedStore`)."""
    from mimidiar.encoders.speech import find_speech_in_chunks

    # In whole label frames, as an encoder that looks for speech itself would hear it.
    whole = in_frames(sound.read(SAMPLE_RATE), round(SAMPLE_RATE / LABEL_HZ))
    (speech,) = find_speech_in_chunks([whole], seconds=sound.seconds)
    hz = encoders[0].frame_hz
    features = _side_by_side(sound, encoders, speech)
    if not len(features):  # so few samples that there are none at another rate
        return Heard(features, np.zeros((0, 1), np.float32), np.zeros(0, bool))
    frames = -(-len(features) // stacking_factor(hz))
    own = features[:, -encoders[-1].dim :] if probe is None else features[:, : encoders[0].dim]
    voices = on_time_axis(own, hz / LABEL_HZ, 0, frames)
    if probe is not None:
        voices = np.concatenate(list(_probed(probe, voices)))
    trusted = trust(speech, sound.seconds)
    voices *= _within(trusted, frames)[:, None]
    return Heard(features, voices, _within(trusted, frames, margin_sec))


def _side_by_side(sound: Sound, encoders: Sequence[Encoder], speech: Sequence[Region]) -> np.ndarray:
    """Features (T', D) of all encoders. Of hours they are large: each is put in its place before the next is made."""
    ends = list(accumulate((encoder.dim for encoder in encoders), initial=0))
    first = encode_recording(encoders[0], sound.read, speech)
    features = np.empty((len(first), ends[-1]), np.float32)
    features[:, : ends[1]] = first
    del first
    if not len(features):
        return features
    for encoder, begin, end in zip(encoders[1:], ends[1:], ends[2:], strict=False):
        rate = encoder.frame_hz / encoders[0].frame_hz
        features[:, begin:end] = on_time_axis(encode_recording(encoder, sound.read, speech), rate, 0, len(features))
    return features


def trust(speech: Sequence[Region], seconds: float) -> list[Region]:
    """The regions without those that are alone and very short: a moment of music is now and then like a voice. In a
    short recording, where a word may be all there is, less is enough.
    """
    stretches: list[list[Region]] = []
    for region in speech:
        if stretches and region[0] - stretches[-1][-1][1] <= ALONE_GAP_SEC:
            stretches[-1].append(region)
        else:
            stretches.append([region])
    enough = min(ALONE_SEC, ALONE_SHARE * seconds)
    return [region for stretch in stretches if total_sec(stretch) >= enough for region in stretch]


def _probed(probe: Projection, frames: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(frames), PROBED_FRAMES):
        yield probe(frames[start : start + PROBED_FRAMES]).astype(np.float32)


def _within(speech: Sequence[Region], frames: int, margin_sec: float = 0.0) -> np.ndarray:
    """Bool (frames,): label frames whose middle is in speech, or as near to it as `margin_sec`."""
    spans = [Interval(start - margin_sec, end + margin_sec, "speech") for start, end in speech]
    return activity_matrix(spans, ["speech"], frames, LABEL_HZ)[:, 0]
