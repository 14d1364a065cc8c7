"""More voices of a speaker: formants move and the pitch stays; each voice is a speaker of its own."""

import numpy as np
import pytest
from scipy import signal

from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.errors import MimidiarError
from mimidiar.simulation.voices import APART, FORMANTS, MOST_VOICES, SPEEDS, more_voices, shift_formants

RATE, PITCH, WIDTH_HZ = 16000, 125.0, 200.0


def vowel(formants: tuple[float, ...]) -> np.ndarray:
    """A second of pulses at PITCH through resonances at these frequencies in Hz."""
    sound = np.zeros(RATE)
    sound[:: round(RATE / PITCH)] = 1
    for hz in formants:
        radius, angle = np.exp(-np.pi * WIDTH_HZ / RATE), 2 * np.pi * hz / RATE
        sound = signal.lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], sound)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def overtones_db(sound: np.ndarray) -> np.ndarray:
    """(30,): the level of each overtone of the pitch."""
    power = np.abs(np.fft.rfft(sound[2000:-2000] * np.hanning(len(sound) - 4000)))
    step = PITCH * (len(sound) - 4000) / RATE
    return 20 * np.log10([power[round(k * step) - 3 : round(k * step) + 4].max() for k in range(1, 31)])


@pytest.mark.parametrize("factor", [0.86, 1.16])
def test_formants_move_and_the_pitch_stays(factor: float) -> None:
    sound = vowel((700.0, 1900.0, 3100.0))
    shifted = shift_formants(sound, factor)
    assert shifted.shape == sound.shape and shifted.dtype == np.float32
    number = np.arange(1, 31)
    before, after = overtones_db(sound), overtones_db(shifted)
    likeness = {
        other: np.corrcoef(after, np.interp(number / other, number, before))[0, 1]
        for other in (factor, 1.0, 1 / factor)
    }
    assert likeness[factor] > 0.93 and likeness[factor] == max(likeness.values())
    assert likeness[factor] - likeness[1.0] > 0.05
    likeness = signal.correlate(shifted, shifted)[len(shifted) - 1 :]
    assert 60 + likeness[60:200].argmax() == pytest.approx(RATE / PITCH, abs=2)


def test_nothing_changes_without_a_change_and_in_a_moment() -> None:
    sound = vowel((700.0, 1900.0))
    assert np.allclose(shift_formants(sound, 1.0), sound, atol=1e-5)
    assert np.array_equal(shift_formants(sound[:100], 1.1), sound[:100])


def test_each_voice_is_a_speaker_of_its_own() -> None:
    row = SourceUtterance("a-1", "a-1", "a", "x", "a.flac", 4.0, ((1.0, 2.0),), gender="f")
    voices = more_voices({"a": [row], "b": [row]}, 5, 0)
    assert list(voices)[:6] == ["a", "a~1", "a~2", "a~3", "a~4", "b"]
    assert voices["a"] == [row]
    factors = [(own[0].speed, own[0].formants) for own in list(voices.values())[:5]]
    for number, (speed, formants) in enumerate(factors):
        assert number == 0 or (SPEEDS[0] <= speed <= SPEEDS[1] and FORMANTS[0] <= formants <= FORMANTS[1])
        for other in factors[:number]:
            assert max(abs(np.log(speed / other[0])), abs(np.log(formants / other[1]))) > APART
    changed = voices["a~2"][0]
    assert changed.speaker == "a~2" and changed.seconds == pytest.approx(4.0 / changed.speed)
    assert changed.speech[0] == pytest.approx((1.0 / changed.speed, 2.0 / changed.speed))
    alone = more_voices({"b": [row]}, 5, 0)
    assert alone["b~3"] == voices["b~3"] and alone["b~3"][0].formants != voices["a~3"][0].formants


def test_more_voices_than_there_are_are_refused() -> None:
    row = SourceUtterance("a-1", "a-1", "a", "x", "a.flac", 4.0, ((1.0, 2.0),))
    assert len(more_voices({str(k): [row] for k in range(30)}, MOST_VOICES, 0)) == 30 * MOST_VOICES
    for count in (0, MOST_VOICES + 1):
        with pytest.raises(MimidiarError, match=f"{count} voices of each speaker; ask for 1 to {MOST_VOICES}"):
            more_voices({"a": [row]}, count, 0)
