"""Rooms against what can be worked out by hand, and against the reverberation time that they are to have."""

import numpy as np
import pytest

from mimidiar.studies.unseen_simulator.acoustics import SOUND_M_PER_SEC, convolve, draw_responses, reflection, response

RATE = 16000
ROOM, SOURCE, MICROPHONE = (5.0, 4.4, 3.0), (1.0, 2.2, 1.5), (4.0, 2.2, 1.5)


def at(distance_m: float) -> int:
    return round(distance_m / SOUND_M_PER_SEC * RATE)


def test_without_reflection_there_is_the_direct_sound_alone() -> None:
    found = response(ROOM, SOURCE, MICROPHONE, 0.0, 0.1, RATE)
    assert np.flatnonzero(found).tolist() == [at(3.0)] and found[at(3.0)] == pytest.approx(1 / (4 * np.pi * 3))


def test_each_wall_reflects_once_where_a_mirror_would() -> None:
    """The x walls over 1 + 4 m and 4 + 1 m, the y walls over a detour of 4.4 m, floor and ceiling over one of 3 m."""
    weak = 1e-4
    found = response(ROOM, SOURCE, MICROPHONE, weak, 0.04, RATE)
    for distance in (5.0, np.hypot(3, 4.4), np.hypot(3, 3)):
        assert found[at(distance)] == pytest.approx(2 * weak / (4 * np.pi * distance), rel=1e-3)


@pytest.mark.parametrize("t60_sec", [0.3, 0.6])
def test_sound_dies_away_in_the_time_that_was_asked_for(t60_sec: float) -> None:
    """Backward integration (Schroeder 1965): from 5 to 25 dB below the start, times three. Sabine's formula is for
    sound from everywhere, and a box keeps what goes along its axes for longer."""
    found = response(ROOM, (1.1, 2.3, 1.7), (3.7, 1.9, 1.2), reflection(ROOM, t60_sec), t60_sec, RATE)
    left = 10 * np.log10(np.cumsum(found[::-1] ** 2)[::-1])
    below = [np.argmax(left < left[0] - drop) / RATE for drop in (5, 25)]
    assert 3 * (below[1] - below[0]) == pytest.approx(t60_sec, rel=0.5)


def test_places_of_a_room_differ_and_what_is_heard_keeps_its_time() -> None:
    one, two = draw_responses(2, (0.3, 0.5), RATE, np.random.default_rng(3))
    assert len(one) != len(two) or not np.array_equal(one, two)
    for each in (one, two):
        assert each[0] > 0 and np.sum(each**2) == pytest.approx(1)
    click = np.zeros(RATE)
    click[5000] = 1
    heard = convolve(click, one)
    assert len(heard) == RATE and np.abs(heard[:5000]).max() < 1e-9 and heard[5000] == pytest.approx(one[0])
