"""When are two clusters of voices two speakers? Chosen on a development set, and the record of where. No torch here."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import yaml
from tqdm import tqdm

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.diarize.binarize import Decision, decide
from mimidiar.diarize.cluster_files import Voices, read_local, windows_of
from mimidiar.diarize.clustering import Linking, VoiceTree, find_voices, grow_tree, local_speakers
from mimidiar.diarize.speaker_assignment import join_voices
from mimidiar.diarize.windows import Window
from mimidiar.errors import MimidiarError, listed
from mimidiar.features.store import MatrixStore
from mimidiar.files import write_text
from mimidiar.models.frame_stacking import LABEL_HZ
from mimidiar.training.tune import frame_errors
from mimidiar.training.tune_posteriors import reference_frames

DISTANCES = (0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 1.0, 1.15)
SAME_VOICE = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)
MIN_SPEAKER_SEC = (2.0, 4.0, 8.0, 16.0, 32.0)


@dataclass(frozen=True)
class TunedLinking:
    """A linking, the set it was tuned on, and the frame DER in % and the share of right counts that it had there."""

    linking: Linking
    tuned_on: str
    recordings: tuple[str, ...]
    frame_der: float
    counted_right: float


def tune_linking(local_dir: Path, data_dir: Path, out_dir: Path, voices: Voices) -> str:
    """Choose on the set in `data_dir` when two clusters are two speakers, by frame DER; write OUT/tuned.yaml, and
    return a line that says what was chosen.
    """
    store, turns = read_local(local_dir), read_rttm(data_dir / "ref.rttm")
    if not turns:
        raise MimidiarError(f"{data_dir / 'ref.rttm'}: nobody speaks in it; tune on a set with a reference")
    if missing := sorted(set(turns) - set(store.keys())):
        raise MimidiarError(f"{local_dir}: no windows of {len(missing)} recordings: {listed(missing)}; infer them")
    names = sorted(store.keys())
    cases = [_case(store, name, turns.get(name, []), voices) for name in tqdm(names, desc="voices", disable=None)]
    choices = [
        Linking(distance, same_voice, min_speaker_sec=least)
        for distance, same_voice, least in product(DISTANCES, SAME_VOICE, MIN_SPEAKER_SEC)
        if same_voice < distance
    ]
    found = [_try(cases, linking) for linking in tqdm(choices, desc="tuning", disable=None)]
    best = min(range(len(choices)), key=lambda i: found[i][0])
    tuned = TunedLinking(choices[best], data_dir.resolve().name, tuple(names), *found[best])
    write_linking(tuned, out_dir / "tuned.yaml")
    values = ", ".join(f"{key} {value:g}" for key, value in tuned.linking.as_dict().items())
    return (
        f"tuned on {tuned.tuned_on}: {values}; frame DER there {tuned.frame_der:.2f} %, "
        f"speakers counted right in {100 * tuned.counted_right:.0f} %"
    )


@dataclass(frozen=True)
class _Case:
    """A recording of the set that is tuned on: all that does not depend on what is tuned."""

    windows: list[Window]
    tree: VoiceTree
    truth: np.ndarray


def _case(store: MatrixStore, name: str, turns: list[Turn], voices: Voices) -> _Case:
    windows = windows_of(store, name)
    speakers = local_speakers(windows, voices.read(name, windows[-1].stop))
    truth = reference_frames(turns, windows[-1].stop, LABEL_HZ)
    return _Case(windows, grow_tree(speakers, Linking.min_alone_sec), truth)


def _try(cases: list[_Case], linking: Linking) -> tuple[float, float]:
    """Frame DER in % and the share of recordings whose speakers are counted right."""
    wrong = speech = right = 0
    for case in cases:
        posteriors = join_voices(case.tree, find_voices(case.tree, linking), case.windows)
        active = decide(posteriors, LABEL_HZ, Decision(median_frames=1))
        errors = frame_errors(active, case.truth)
        wrong, speech = wrong + errors[0], speech + errors[1]
        right += np.count_nonzero(active.any(0)) == case.truth.shape[1]
    return 100 * wrong / max(speech, 1), right / len(cases)


def write_linking(tuned: TunedLinking, path: Path) -> None:
    """tuned.yaml: the linking and what it was tuned on."""
    values = {
        "linking": tuned.linking.as_dict(),
        "tuned_on": tuned.tuned_on,
        "frame_der": round(tuned.frame_der, 4),
        "counted_right": round(tuned.counted_right, 4),
        "recordings": list(tuned.recordings),
    }
    write_text(path, yaml.safe_dump(values, sort_keys=False))


def read_linking(path: Path) -> TunedLinking:
    """Read the tuned.yaml of a linking. MimidiarError names the file and what it lacks."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        linking = Linking(**values["linking"])
        linking.check()
        named = values["tuned_on"], tuple(values["recordings"])
        return TunedLinking(linking, *named, values["frame_der"], values["counted_right"])
    except FileNotFoundError:
        raise MimidiarError(f"{path}: no such file; run `mimidiar link tune` first") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise MimidiarError(f"{path}: not a tuned linking ({error}); run `mimidiar link tune` again") from None
