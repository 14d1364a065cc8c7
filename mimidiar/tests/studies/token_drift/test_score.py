"""Distances of signals against closed forms, and what is written of a drift."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.errors import MimidiarError
from mimidiar.score.reconstruction import MOST_DB, mel_distance, si_sdr
from mimidiar.studies.token_drift.score import Drift, Sound, compare_codes, compare_sound, drift_document, write_drift

RATE = 24000
SOUND = Sound(1.0, 20.0, 3.0, 5.0, 4.0, 6.0)


def noise(seed: int = 0, samples: int = RATE) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples) * 0.1


@given(st.floats(-20, 40), st.floats(0.01, 100), st.floats(-1, 1))
@settings(max_examples=20, deadline=None)
def test_si_sdr_is_the_ratio_of_what_is_alike_to_what_is_not(level: float, scale: float, offset: float) -> None:
    """Of a signal and noise at right angles to it, whatever scale and offset."""
    signal, other = noise(0) - noise(0).mean(), noise(1) - noise(1).mean()
    other -= (other @ signal) / (signal @ signal) * signal
    other *= np.linalg.norm(signal) / np.linalg.norm(other) * 10 ** (-level / 20)
    assert si_sdr(scale * (signal + other) + offset, signal) == pytest.approx(level, abs=1e-6)


def test_si_sdr_at_its_ends() -> None:
    assert si_sdr(2 * noise(), noise()) == MOST_DB
    assert si_sdr(np.zeros(RATE), noise()) == -MOST_DB
    assert np.isnan(si_sdr(noise(), np.zeros(RATE)))


def test_mel_distance_is_that_of_levels() -> None:
    """Ten times the amplitude is 20 dB in every band, as long as all are above the floor."""
    loud = 10 * noise(samples=4 * RATE)
    assert mel_distance(loud, loud, RATE) == 0
    assert mel_distance(10 * loud, loud, RATE) == pytest.approx(20, abs=0.5)
    assert mel_distance(10 * loud, loud, RATE) == mel_distance(loud, 10 * loud, RATE)
    assert mel_distance(1e-6 * loud, 0 * loud, RATE) < 1e-3  # both silent: alike


def test_a_sine_is_heard_in_its_band_at_its_level() -> None:
    from mimidiar.score.reconstruction import FLOOR, _mel_db

    sine = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    levels = _mel_db(sine, RATE).mean(0)
    centre = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 1400), 82)[1:-1] / 2595) - 1)
    assert abs(centre[levels.argmax()] - 1000) < 40
    assert levels.max() == pytest.approx(-20, abs=2.5)
    assert levels.min() == pytest.approx(10 * np.log10(FLOOR), abs=0.5)


def test_silence_is_not_compared() -> None:
    assert compare_sound(noise(1), noise(2), np.zeros(RATE), RATE) is None
    sound = compare_sound(noise(1), noise(1), noise(2), RATE)
    assert (sound.mel_change_db, sound.si_sdr_change_db) == (0, MOST_DB)
    assert sound.mel_input_db == sound.mel_frozen_input_db and sound.si_sdr_input_db == sound.si_sdr_frozen_input_db


def test_changed_codes_are_counted_by_codebook_and_by_frame() -> None:
    before = np.array([[1, 2, 3, 4], [5, 5, 5, 5]])
    after = np.array([[1, 2, 9, 4], [5, 6, 6, 5]])
    changed, frames = compare_codes(after, before)
    assert changed.tolist() == [1, 2] and frames == 2


def drifts() -> list[Drift]:
    return [
        Drift("long", 300, np.array([30, 60]), 80, 2.0, 100.0, SOUND),
        Drift("short", 100, np.array([50, 80]), 90, 6.0, 60.0, None),
    ]


def test_figures_are_ratios_of_sums_over_the_set(tmp_path) -> None:
    document = drift_document(drifts(), [7, 9], "a system", {"num_codebooks": 2})
    wanted = {"token_drift": 27.5, "token_drift_1": 20.0, "token_drift_2": 35.0, "frames_changed": 42.5}
    wanted |= {"latent_distance": 5.0, "mel_change_db": 1.0, "si_sdr_frozen_input_db": 6.0}
    wanted |= {"codes_used": 7, "n_recordings": 2, "n_decoded": 1}
    assert {name: document[name] for name in wanted} == pytest.approx(wanted)
    assert document["intervals"]["token_drift"] == {"low": 15.0, "high": 65.0, "level": 0.95}
    write_drift(tmp_path, drifts(), [7, 9], document)
    assert json.loads((tmp_path / "score.json").read_text()) == document
    head, *rows = (line.split(",") for line in (tmp_path / "per_recording.csv").read_text().splitlines())
    assert dict(zip(head, rows[1], strict=True)) == {
        "recording": "short", "frames": "100", "token_drift": "65.0", "token_drift_1": "50.0", "token_drift_2": "80.0",
        "frames_changed": "90.0", "latent_distance": "10.0",
    } | dict.fromkeys(Sound.__dataclass_fields__, "")  # fmt: skip


def test_without_sound_there_are_no_figures_of_sound() -> None:
    document = drift_document(drifts()[1:], [7, 9], None, {})
    assert document["token_drift"] == 65 and "mel_change_db" not in document
    assert document["n_decoded"] == 0 and document["intervals"] == {}


def test_tokens_that_never_change_are_not_passed_off_as_no_drift() -> None:
    with pytest.raises(MimidiarError, match="one code for every frame"):
        drift_document(drifts(), [1, 1], None, {})


def test_a_codebook_that_never_speaks_does_not_dilute_the_drift() -> None:
    document = drift_document(drifts(), [7, 1], None, {})
    assert (document["token_drift"], document["token_drift_1"], document["token_drift_2"]) == (20, 20, 35)
    assert (document["live_codebooks"], document["codes_used"]) == (1, 1)
    assert document["warnings"] == ["1 of 2 codebooks give one code for all frames"]
