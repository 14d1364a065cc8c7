"""NeMo's MultiSpeakerSimulator behind one function. The only importer of nemo in this package's simulation.

Words: NeMo takes a list of words with their end times per audio file, starts each file at a "silence" word (""), and
stops at the next one. With one word per segment of speech it would only play the first segment of each file. So pauses
are words as well ("pause"), and every file is entered once per segment of speech, from there on, under a different name
(a symbolic link: NeMo caches audio by file name). The reference is made from the speech words in NeMo's CTM.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from mimidiar.annotation.turns import Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import read_audio
from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.nemo_import import importing_nemo, quiet
from mimidiar.simulation.acoustics import with_tail
from mimidiar.simulation.plan import ConversationSet

SPEECH, PAUSE = "speech", "pause"
# The pause after an utterance's last word, played when another utterance follows.
MAX_LAST_PAUSE_SEC = 0.3
# Fade at the end of a sentence that stops in mid-file. With 0, NeMo would loop forever at the end of a session.
WINDOW_SEC = 0.02
NAME = "session"


def simulate_session(
    name: str,
    source: Mapping[str, Sequence[SourceUtterance]],
    options: ConversationSet,
    seconds: float,
    seed: int,
    work: Path,
    responses: Mapping[str, np.ndarray] | None = None,
) -> tuple[np.ndarray, list[Turn]]:
    """Let NeMo make one session `name` of at least `seconds` with these speakers.

    `work`: an empty folder for its files. `responses`: speaker -> impulse response (K,) of a place in a room; nothing
    else of the session changes. Returns int16 samples (num_samples,) at 16 kHz, longer than requested (the caller
    crops), and the turns. The same arguments give the same result.
    """
    longest = max(end - start for utterances in source.values() for u in utterances for start, end in u.speech)
    # NeMo fills the end of a session with fragments when the next word does not fit. With the end this far away, that
    # happens only in the part that is cropped.
    margin = 2 * longest + 5
    manifest = work / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in _manifest(source, work)), encoding="utf-8")
    config = _config(options, len(source), seconds + margin, longest + 1, seed, manifest, work / "out")
    simulator_class = _in_rooms(_load_simulator(), responses) if responses else _load_simulator()
    with quiet():
        simulator_class(config).generate_sessions()
    samples, _ = soundfile.read(str(work / "out" / f"{NAME}_0.wav"), dtype="int16")
    return samples, _read_ctm(work / "out" / f"{NAME}_0.ctm", name)


def _manifest(source: Mapping[str, Sequence[SourceUtterance]], work: Path) -> Iterator[dict[str, Any]]:
    for utterances in source.values():
        rows = [
            _entry(u, audio, first, work) for u, audio in _played(utterances, work) for first in range(len(u.speech))
        ]
        yield from rows
        # NeMo draws a file with randint(0, count - 1), which leaves out the last one, so it is listed twice.
        if len(rows) > 1:
            yield rows[-1]


def _played(utterances: Sequence[SourceUtterance], work: Path) -> Iterator[tuple[SourceUtterance, Path]]:
    """Each utterance with its file at its speed: the original, or one made for this session."""
    for utterance in utterances:
        audio = Path(utterance.path).resolve()
        if utterance.speed != 1:
            samples = soxr.resample(read_audio(audio, SAMPLE_RATE), utterance.speed * SAMPLE_RATE, SAMPLE_RATE)
            audio = work / f"{utterance.id}.wav"
            soundfile.write(audio, samples, SAMPLE_RATE, subtype="FLOAT")
        yield utterance, audio


def _entry(utterance: SourceUtterance, audio: Path, first: int, work: Path) -> dict[str, Any]:
    """The manifest row of an utterance from its speech segment `first` on; "alignments" are the END times of the
    words."""
    link = work / f"{utterance.id}.{first}{audio.suffix}"
    link.symlink_to(audio)
    speech = utterance.speech[first:]
    words, ends = [""], [speech[0][0]]
    for (_, end), following in zip(speech, [*(start for start, _ in speech[1:]), None], strict=True):
        after = min(utterance.seconds, end + MAX_LAST_PAUSE_SEC) if following is None else following
        words += [SPEECH, PAUSE]
        ends += [end, after]
    return {
        "audio_filepath": str(link),
        "duration": utterance.seconds,
        "words": words,
        "alignments": ends,
        "speaker_id": utterance.speaker,
    }


def _config(
    options: ConversationSet, speakers: int, seconds: float, end_buffer: float, seed: int, manifest: Path, out: Path
) -> Any:
    from omegaconf import OmegaConf

    data_simulator = {
        "manifest_filepath": str(manifest),
        "sr": SAMPLE_RATE,
        "random_seed": seed,
        "multiprocessing_chunksize": 1,
        "session_config": {"num_speakers": speakers, "num_sessions": 1, "session_length": seconds},
        "session_params": _session_params(options, end_buffer),
        "outputs": {"output_dir": str(out), "output_filename": NAME, "overwrite_output": True, "output_precision": 4},
        "background_noise": {"add_bg": False, "background_manifest": None, "num_noise_files": 0},
        "segment_augmentor": {"add_seg_aug": False},
        "session_augmentor": {"add_sess_aug": False},
        # Early, so that no speaker begins only in the part that is cropped.
        "speaker_enforcement": {"enforce_num_speakers": True, "enforce_time": [0.1, 0.4]},
        "segment_manifest": {"window": 0.5, "shift": 0.25, "step_count": 50, "deci": 3},
    }
    return OmegaConf.create({"num_workers": 1, "data_simulator": data_simulator})


def _session_params(options: ConversationSet, end_buffer: float) -> dict[str, Any]:
    """NeMo's session_params: the statistics of a conversation."""
    low, high = options.volume_range
    params = {
        "max_audio_read_sec": 3600.0,  # whole utterances
        "sentence_length_params": [options.sentence_k, options.sentence_p],
        "dominance_var": options.dominance_std,
        "min_dominance": options.min_dominance,
        "turn_prob": options.turn_prob,
        "start_window": True,
        "window_type": "hann",
        "window_size": WINDOW_SEC,
        "start_buffer": 0.0,
        "split_buffer": 0.0,
        "release_buffer": 0.0,
        "normalize": True,
        "normalization_type": "variable",
        "normalization_var": options.volume_std,
        "min_volume": low,
        "max_volume": high,
        "end_buffer": end_buffer,
    }
    for kind in ("silence", "overlap"):
        params |= {
            f"mean_{kind}": getattr(options, kind),
            f"mean_{kind}_var": getattr(options, f"{kind}_var"),
            f"per_{kind}_var": 900,
            f"per_{kind}_min": 0.0,
            f"per_{kind}_max": -1,
        }
    return params


@cache
def _load_simulator() -> type:
    """Import NeMo: 20 s. Its simulator would take a GPU if there is one, and give other samples there."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with importing_nemo(logging.ERROR):
        from nemo.collections.asr.data.data_simulation import MultiSpeakerSimulator
    import torch

    torch.set_num_threads(1)
    return MultiSpeakerSimulator


def _in_rooms(simulator_class: type, responses: Mapping[str, np.ndarray]) -> type:
    """NeMo's simulator, with each sentence convolved with the response of its speaker.

    The difference that the room makes, with its tail, is added to each sentence; NeMo's times stay those of the
    sentence. Nothing random is involved, so that the session is the same as without rooms.
    """
    import torch

    class InRooms(simulator_class):
        def _build_sentence(self, speaker_turn: int, speaker_ids: list[str], *rest: Any) -> None:
            super()._build_sentence(speaker_turn, speaker_ids, *rest)
            self._response = responses[speaker_ids[speaker_turn]]

        def _add_sentence_to_array(self, start: int, length: int, array: Any, is_speech: Any) -> tuple[Any, Any, int]:
            array, is_speech, end = super()._add_sentence_to_array(start, length, array, is_speech)
            change = with_tail(self._sentence.numpy(), self._response)
            change[:length] -= self._sentence.numpy()
            tail = array[start : start + len(change)]  # a tail beyond the session lies in the part that is cropped
            tail += torch.from_numpy(change[: len(tail)])
            return array, is_speech, end

    return InRooms


def _read_ctm(path: Path, name: str) -> list[Turn]:
    """The speech words of a CTM ('session channel start duration word confidence type speaker') as turns of `name`."""
    turns = []
    for line in path.read_text(encoding="utf-8").splitlines():
        _, _, start, length, word, _, _, speaker = line.split()
        if word == SPEECH:
            turns.append(Turn(name, float(start), float(start) + float(length), speaker))
    return turns
