"""Noise behind conversations, and rooms: as loud and in time as asked, in those conversations that the seed says."""

from collections import Counter
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mimidiar.data.recordings import RecordingFile
from mimidiar.errors import MimidiarError
from mimidiar.simulation.acoustics import babble, in_a_room, noise_excerpt, read_response, with_tail
from mimidiar.simulation.augmentation import Augment, Augmenter, impulse_responses, make_augmenter
from mimidiar.tests.simulation.echoes import RATE, response, write_folder

DELAYS = ["a1", "a2", "a3", "b1", "alone"]  # responses, each with a direct sound 10 samples later than the last


def tone(hz: float, seconds: float = 1.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def sound(path: Path, samples: np.ndarray, rate: int = RATE) -> RecordingFile:
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return RecordingFile(path.stem, path, rate, len(samples))


# --- rooms ---


@pytest.mark.parametrize("direct", [0.7, -0.7])
def test_what_is_said_at_t_is_heard_at_t(direct: float) -> None:
    """The delay of the direct sound is taken away, whatever its sign; what comes after it stays after it."""
    click = np.zeros(RATE, np.float32)
    click[5000] = 0.5
    alone = in_a_room(click, response(300, direct=direct))
    np.testing.assert_allclose(alone, click, atol=1e-6)
    echoed = in_a_room(click, response(300, {1600: 0.35}, direct))
    assert np.abs(echoed).argmax() == 5000 and abs(echoed[6600]) == pytest.approx(echoed[5000] / 2, rel=1e-4)
    assert np.sum(echoed**2) == pytest.approx(np.sum(click**2), rel=1e-4)
    early = response(300, {-200: 0.1}, direct)  # something before the strongest peak is heard before it
    assert abs(in_a_room(click, early)[4800]) == pytest.approx(0.5 / 7, rel=0.02)


def test_a_room_is_heard_after_the_end() -> None:
    """Until the echo comes there is the dry sound alone; when that has ended, the echo alone."""
    dry = tone(440)
    wet = with_tail(dry, response(100, {2000: 0.35}))
    assert len(wet) == RATE + 3999
    loud = float(wet[:2000] @ dry[:2000] / (dry[:2000] @ dry[:2000]))
    np.testing.assert_allclose(wet[:2000], loud * dry[:2000], atol=1e-5)
    np.testing.assert_allclose(wet[RATE : RATE + 2000], loud / 2 * dry[-2000:], atol=1e-5)
    np.testing.assert_allclose(wet[RATE + 2000 :], 0, atol=1e-5)


def test_a_response_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(MimidiarError, match=r"zeros.wav: an impulse response of zeros"):
        read_response(sound(tmp_path / "zeros.wav", np.zeros(100)))
    stereo = np.stack([response(3), response(9)], axis=1)
    assert read_response(sound(tmp_path / "stereo.wav", stereo)).argmax() == 3


# --- noise ---


def test_a_noise_is_a_stretch_of_one_and_others_follow_a_short_one(tmp_path: Path) -> None:
    long, short = sound(tmp_path / "long.wav", tone(500, 3)), sound(tmp_path / "short.wav", 0.01 * tone(900, 0.25))
    rng = np.random.default_rng(0)
    stretch = noise_excerpt([long], RATE, rng)
    assert np.mean(stretch**2) == pytest.approx(1) and np.abs(np.fft.rfft(stretch)).argmax() == 500
    pieces = noise_excerpt([short, short], RATE, rng).reshape(4, -1)
    np.testing.assert_allclose(pieces, pieces[:1].repeat(4, 0), atol=1e-6)
    both = [noise_excerpt([long, short], RATE, np.random.default_rng(k)) for k in range(8)]
    assert len({round(float(each @ tone(500)), 1) for each in both}) > 2 and all(len(each) == RATE for each in both)


def test_babble_is_of_several(tmp_path: Path) -> None:
    babble_talkers = [sound(tmp_path / f"{hz}.wav", tone(hz)) for hz in (300, 500, 700, 900)]
    for count, heard in ((3, 3), (9, 4)):
        spectrum = np.abs(np.fft.rfft(babble(babble_talkers, count, RATE, np.random.default_rng(1))))
        assert sum(spectrum[hz] > 0.3 * spectrum.max() for hz in (300, 500, 700, 900)) == heard


def test_noises_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(MimidiarError, match=r"slow.wav: 8000 Hz, the speech has 16000"):
        noise_excerpt([sound(tmp_path / "slow.wav", tone(100), 8000)], RATE, rng)
    gone = RecordingFile("gone", tmp_path / "gone.wav", RATE, RATE)
    with pytest.raises(MimidiarError, match=r"gone.wav: cannot be read"):
        noise_excerpt([gone], RATE, rng)
    cut = sound(tmp_path / "cut.wav", tone(100, 0.1))
    with pytest.raises(MimidiarError, match=r"cut.wav: it has no sample \d+ of 160000; prepare the sounds again"):
        noise_excerpt([RecordingFile("cut", cut.path, RATE, 160000)], 100, np.random.default_rng(3))
    silence = noise_excerpt([sound(tmp_path / "silence.wav", np.zeros(RATE))], 100, rng)
    assert not silence.any()  # a stretch without sound adds nothing


# --- what a conversation gets ---


@pytest.fixture
def sounds(tmp_path: Path) -> dict[str, Path]:
    """`musan` with its three parts; `rirs`: a room of three places, one of one place, one response without a room."""
    write_folder(tmp_path / "musan/musan_noise", n=tone(1000))
    write_folder(tmp_path / "musan/musan_music", m=tone(2000))
    write_folder(tmp_path / "musan/musan_speech", **{f"s{k}": tone(3000 + 100 * k) for k in range(4)})
    rooms = {"a1": "A", "a2": "A", "a3": "A", "b1": "B"}
    responses = {name: response(10 * k) for k, name in enumerate(DELAYS)}
    return {"noise": tmp_path / "musan", "rirs": write_folder(tmp_path / "rirs", rooms, **responses)}


def test_so_many_as_asked_have_noise_and_a_room(sounds: dict[str, Path]) -> None:
    augmenter = make_augmenter(Augment(noise_share=0.3, reverb_share=0.6, noise_snr_db=[3.0, 9.0]), **sounds)
    drawn = [augmenter.draw(["x", "y"], [seed]) for seed in range(4000)]
    assert np.mean([bool(each.kind) for each in drawn]) == pytest.approx(0.3, abs=0.03)
    assert np.mean([bool(each.responses) for each in drawn]) == pytest.approx(0.6, abs=0.03)
    both = np.mean([bool(each.kind and each.responses) for each in drawn])
    assert both == pytest.approx(0.18, abs=0.03)  # one has no part in the other
    kinds = [each.kind for each in drawn if each.kind]
    assert {kind: kinds.count(kind) / len(kinds) for kind in set(kinds)} == pytest.approx(
        dict.fromkeys(["noise", "music", "babble"], 1 / 3), abs=0.05
    )
    levels = [each.snr_db for each in drawn]
    assert min(levels) >= 3 and max(levels) <= 9 and np.mean(levels) == pytest.approx(6, abs=0.2)
    assert {each.babble_talkers for each in drawn} == {3, 4, 5, 6, 7}
    assert drawn == [augmenter.draw(["y", "x"], [seed]) for seed in range(4000)]


def test_each_speaker_has_a_place_of_its_own_where_rooms_are_told(sounds: dict[str, Path]) -> None:
    augmenter = make_augmenter(Augment(reverb_share=1.0), None, sounds["rirs"])
    assert "5 impulse responses of 3 rooms, in 1 of them each speaker in a place of its own" in augmenter.describe()
    drawn = [augmenter.draw("xyz", [seed]) for seed in range(100)]
    places = {tuple(each.responses[who].id for who in "xyz") for each in drawn}
    assert places == {("b1",) * 3, ("alone",) * 3, *permutations(["a1", "a2", "a3"])}
    for each in drawn:
        heard = {who: int(found.argmax()) // 10 for who, found in impulse_responses(each).items()}
        assert heard == {who: DELAYS.index(place.id) for who, place in each.responses.items()}
    # More speakers than places: all places are taken before two share one.
    counts = [Counter(place.id for place in augmenter.draw("vwxyz", [seed]).responses.values()) for seed in range(40)]
    assert {tuple(sorted(count.values())) for count in counts} == {(5,), (1, 2, 2)}


def test_a_noise_is_as_far_below_the_speech_as_asked(sounds: dict[str, Path]) -> None:
    augmenter = make_augmenter(Augment(noise_share=1.0, noise_snr_db=[10.0, 10.0]), sounds["noise"], None)
    speech, spoken = np.round(9000 * tone(200, 4.0)), [(2.0, 4.0)]
    speech[: 2 * RATE] = 0
    for seed in range(6):
        around = augmenter.draw(["x"], [seed])
        noisy = augmenter.add_noise(speech.astype(np.int16), spoken, around, [seed])
        noise = noisy - speech
        snr_db = 10 * np.log10(np.mean(speech[2 * RATE :] ** 2) / np.mean(noise**2))
        assert snr_db == pytest.approx(10, abs=0.1)
        found = np.abs(np.fft.rfft(noise[:RATE])).argmax()
        assert found in {"noise": [1000], "music": [2000], "babble": [3000, 3100, 3200, 3300]}[around.kind]
        assert np.array_equal(noisy, augmenter.add_noise(speech.astype(np.int16), spoken, around, [seed]))


def test_sounds_that_are_none_and_options_that_cannot_be(sounds: dict[str, Path], tmp_path: Path) -> None:
    assert make_augmenter(Augment(), None, None) is None
    single = make_augmenter(Augment(), sounds["noise"] / "musan_speech", None)
    assert isinstance(single, Augmenter) and list(single.noises) == ["babble"]
    assert list(make_augmenter(Augment(), sounds["rirs"], None).noises) == ["noise"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        MimidiarError, match=r"empty: no noises here, nor musan_noise, .*`mimidiar data prepare musan` makes them"
    ):
        make_augmenter(Augment(), tmp_path / "empty", None)
    with pytest.raises(MimidiarError, match=r"empty/recordings.jsonl.gz: no such manifest"):
        make_augmenter(Augment(), None, tmp_path / "empty")
    for changes, said in [
        ({"noise_share": 1.5}, "augment.noise_share is 1.5; it must be between 0 and 1"),
        ({"noise_snr_db": [9.0, 3.0]}, r"augment.noise_snr_db is \[9.0, 3.0\]"),
        ({"babble_talkers": [1, 3]}, r"augment.babble_talkers is \[1, 3\]; it must be two numbers from 2 on"),
    ]:
        with pytest.raises(MimidiarError, match=said):
            make_augmenter(Augment(**changes), None, None)
