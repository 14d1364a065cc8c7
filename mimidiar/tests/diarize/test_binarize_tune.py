"""Post-processing and its tuning."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from mimidiar.diarize.binarize import Binarization, binarize, to_turns
from mimidiar.diarize.tuned import read_tuned, write_tuned
from mimidiar.errors import MimidiarError
from mimidiar.training.tune import baseline_frame_der, frame_errors, tune

HZ = 12.5


def column(text: str) -> np.ndarray:
    return np.array([[character == "1"] for character in text], dtype=float)


@pytest.mark.parametrize(
    ("how", "before", "after"),
    [
        (Binarization(median_frames=1), "0110100", "0110100"),
        (Binarization(median_frames=3), "0110100", "0111000"),
        (Binarization(median_frames=1, min_turn_sec=0.16), "0110100", "0110000"),
        (Binarization(median_frames=1, min_pause_sec=0.16), "0110100", "0111100"),
        (Binarization(median_frames=1, min_pause_sec=0.16, min_turn_sec=0.32), "1011001", "1111000"),
    ],
)
def test_binarization_by_hand(how: Binarization, before: str, after: str) -> None:
    assert binarize(column(before), HZ, how)[:, 0].tolist() == column(after)[:, 0].astype(bool).tolist()


def test_turns_have_frame_borders_and_channel_names() -> None:
    turns = to_turns(np.hstack([column("0110"), column("1000")]), HZ, Binarization(median_frames=1))
    assert [(t.start, t.end, t.speaker) for t in turns] == [(0.0, 0.08, "spk1"), (0.08, 0.24, "spk0")]


@pytest.mark.parametrize("seed", range(8))
def test_frame_errors_equal_brute_force(seed: int) -> None:
    random = np.random.default_rng(seed)
    hyp, ref = random.random((40, 3)) < 0.4, random.random((40, 3)) < 0.4
    costs = []
    for order in permutations(range(3)):
        correct = (ref & hyp[:, order]).sum(1)
        costs.append(int((np.maximum(ref.sum(1), hyp.sum(1)) - correct).sum()))
    assert frame_errors(hyp, ref) == (min(costs), int(ref.sum()))


def test_frame_errors_with_unequal_speakers_and_lengths() -> None:
    assert frame_errors(np.ones((5, 1), bool), np.ones((3, 2), bool)) == (3 + 2, 6)
    assert frame_errors(np.zeros((5, 4), bool), np.zeros((5, 0), bool)) == (0, 0)


def test_tuning_finds_the_threshold_that_was_hidden(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    truth = {f"r{i}": np.repeat(random.random((20, 2)) < 0.5, 15, axis=0) for i in range(3)}
    posteriors = {name: np.where(y, 0.66, 0.58).astype(np.float32) for name, y in truth.items()}
    tuned = tune(posteriors, truth, HZ, "dev")
    assert tuned.values.threshold in (0.6, 0.65) and tuned.found["frame_der"] == 0 and tuned.tuned_on == "dev"
    write_tuned(tuned, tmp_path / "tuned.yaml")
    found = read_tuned(tmp_path / "tuned.yaml", Binarization, "mimidiar eval tune")
    assert (found.values, found.recordings) == (tuned.values, tuned.recordings)
    assert found.found["baseline_frame_der"] == pytest.approx(tuned.found["baseline_frame_der"], abs=1e-4)


def test_trivial_baselines_by_hand() -> None:
    """Of 8 frames, 6 with speech, 2 of these of both: one speaker throughout has 4 and 2 false alarms, 2 missed."""
    truth = np.array([[1, 0]] * 3 + [[1, 1]] * 2 + [[0, 1]] + [[0, 0]] * 2, bool)
    assert baseline_frame_der([truth]) == pytest.approx(100 * (2 + 1) / 8)


@pytest.mark.parametrize("values", ["threshhold: 1", "threshold: high", "threshold: 2", "median_frames: 4"])
def test_a_file_that_is_no_tuned_yaml_is_named(tmp_path: Path, values: str) -> None:
    rest = "tuned_on: dev\nframe_der: 1.0\nrecordings: []\n"
    (tmp_path / "tuned.yaml").write_text(f"values: {{{values}}}\n{rest}")
    with pytest.raises(MimidiarError, match=r"tuned\.yaml: not the tuned\.yaml of `mimidiar eval tune`"):
        read_tuned(tmp_path / "tuned.yaml", Binarization, "mimidiar eval tune")
