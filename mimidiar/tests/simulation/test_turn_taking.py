"""Talks follow from their seeds; who is heard is who the turns say, as loud and in such noise as the scene says."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError
from mimidiar.simulation.acoustics import colored_noise, in_made_up_room, telephone_band
from mimidiar.simulation.codecs import CODECS, through_codec
from mimidiar.simulation.drawn_sets import read_speakers
from mimidiar.simulation.scenes import Scene, SceneOptions, draw_scene
from mimidiar.simulation.turn_statistics import TurnStatistics
from mimidiar.simulation.turn_taking import ConversationOptions, DrawnConversation, draw_conversation
from mimidiar.tests.tones import RATE, heard, write_tones

KINDS = {
    "quick": TurnStatistics([0.3, 1.0, 3.0], [-1.0, 0.2, 1.0], [0.3, 1.0], 0.8, 100),
    "slow": TurnStatistics([1.0, 5.0], [-2.0, 0.0, 2.0], [0.5, 2.0], 0.9, 100),
}
QUIET = {"seconds": 20.0, "speed": [1.0, 1.0], "join_gap_sec": 0.2, "silent_share": 0.0, "scene": None}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory):
    return read_speakers(write_tones(tmp_path_factory.mktemp("tones") / "train", list(range(12)), level=1.0))


def drawn(source, count: int, **options) -> list[DrawnConversation]:
    return [draw_conversation(source, ConversationOptions(**QUIET | options), KINDS, (1, 0, k)) for k in range(count)]


def overlap_sec(turns: tuple[Turn, ...]) -> float:
    frames = np.zeros((2500, 12), bool)
    for turn in turns:
        frames[round(turn.start * 100) : round(turn.end * 100), int(turn.speaker[2:])] = True
    return float((frames.sum(1) > 1).sum() / 100)


def test_a_talk_follows_from_its_seeds(source) -> None:
    options = ConversationOptions(seconds=20.0)
    one, again, other = (draw_conversation(source, options, KINDS, (1, 0, k)) for k in (5, 5, 6))
    assert one == again and np.array_equal(one.samples(), again.samples())
    assert one.turns != other.turns


def test_who_speaks_is_who_is_heard(source) -> None:
    """In frames within a turn, and away from its ends, the speaker's tone is there; elsewhere it isn't."""
    for talk in drawn(source, 8):
        samples = talk.samples()
        for speaker in {turn.speaker for turn in talk.turns}:
            loud = heard(samples, speaker, talk.num_frames) > 0.02
            time = (np.arange(talk.num_frames) + 0.5) * 0.08
            own = [turn for turn in talk.turns if turn.speaker == speaker]
            inside = np.any([(time > t.start + 0.1) & (time < t.end - 0.1) for t in own], axis=0)
            near = np.any([(time > t.start - 0.1) & (time < t.end + 0.1) for t in own], axis=0)
            # A pause that does not split a turn, and one in which another's tone is near, are few frames.
            assert not inside.any() or loud[inside].mean() > 0.85
            assert not loud[~near].any()


def test_turns_lie_in_the_talk_and_nobody_talks_twice_at_once(source) -> None:
    for talk in drawn(source, 40):
        assert len(talk.samples()) == talk.num_frames * 1280 == 20 * RATE
        for speaker in {turn.speaker for turn in talk.turns}:
            own = sorted(turn for turn in talk.turns if turn.speaker == speaker)
            assert own[0].start >= 0 and own[-1].end <= 20
            assert all(one.end < two.start for one, two in pairwise(own))


def test_options_do_what_they_say(source) -> None:
    speakers = [len({turn.speaker for turn in talk.turns}) for talk in drawn(source, 60, seconds=60.0)]
    assert set(speakers) == {1, 2, 3, 4}
    assert all(not talk.turns for talk in drawn(source, 5, silent_share=0.999999))
    overlaps = [sum(overlap_sec(t.turns) for t in drawn(source, 40, overlap_share=[s, s])) for s in (0.0, 0.5, 1.0)]
    assert overlaps[0] < 0.25 * overlaps[1] < 0.25 * overlaps[2]
    lengths = [
        np.mean(
            [t.end - t.start for talk in drawn(source, 40, turn_factor=[f, f], join_gap_sec=1.0) for t in talk.turns]
        )
        for f in (0.5, 2.0)
    ]
    assert lengths[1] > 1.5 * lengths[0]
    silence = [
        sum(t.end - t.start for talk in drawn(source, 40, gap_factor=[f, f]) for t in talk.turns) for f in (0.3, 3)
    ]
    assert silence[0] > 1.1 * silence[1]


def test_a_talk_has_one_corpus_where_it_can(tmp_path: Path) -> None:
    source = read_speakers(write_tones(tmp_path / "train", [0, 1, 2, 3]))
    for number, name in enumerate(sorted(source)):
        source[name] = [replace(u, corpus="ab"[number % 2]) for u in source[name]]
    options = ConversationOptions(**QUIET | {"speakers": [2], "speaker_weights": [1.0]})
    for k in range(10):
        talk = draw_conversation(source, options, KINDS, (3, k))
        assert len({each.utterance.corpus for each in talk.placements}) == 1
    many = ConversationOptions(**QUIET | {"speakers": [5], "speaker_weights": [1.0]})
    with pytest.raises(MimidiarError, match="a conversation of 5 speakers, but there are 4"):
        draw_conversation(source, many, KINDS, (3, 0))


def scene(**changes) -> Scene:
    plain = {
        "gains": {"a": 0.0, "b": -6.0},
        "level_dbfs": -20.0,
        "color": 1.0,
        "noise_snr_db": 90.0,
        "babble": (),
        "babble_snr_db": 10.0,
        "tones": (),
        "room": None,
        "t60_sec": 0.4,
        "telephone": False,
        "codec": None,
        "seeds": (1, 2),
    }
    return Scene(**plain | changes)


def level_db(samples: np.ndarray) -> float:
    return 10 * np.log10(np.mean(samples.astype(np.float64) ** 2))


def voices(seconds: float = 4.0) -> dict[str, np.ndarray]:
    """Two stretches of white noise, at different levels, one after the other."""
    rng, half = np.random.default_rng(0), round(seconds * RATE / 2)
    one, two = np.zeros((2, 2 * half), np.float32)
    one[:half], two[half:] = 0.3 * rng.standard_normal(half), 0.01 * rng.standard_normal(half)
    return {"a": one, "b": two}


def test_levels_of_speech_and_noise() -> None:
    tracks = voices()
    half = len(tracks["a"]) // 2
    found = scene().record(tracks, 2 * half)
    assert level_db(found[:half]) == pytest.approx(-20, abs=0.1)
    assert level_db(found[half:]) == pytest.approx(-26, abs=0.1)
    for change, expected in (({}, -30), ({"tones": (500.0,)}, -27)):  # hum comes besides the noise
        noisy = scene(noise_snr_db=10.0, **change).record(tracks, 2 * half) - found
        assert level_db(noisy) == pytest.approx(expected, abs=0.3)
    loud = scene(level_dbfs=0.0).record(tracks, 2 * half)
    assert np.abs(loud).max() == pytest.approx(0.99, abs=1e-4)


def test_a_scene_without_speech_is_its_noise() -> None:
    found = scene(gains={}, noise_snr_db=10.0).record({}, 16000)
    assert level_db(found) == pytest.approx(-30, abs=0.1)


def test_babble_is_of_others(source) -> None:
    options = SceneOptions(babble_share=1.0, babble_talkers=[4, 4])
    for k in range(10):
        found = draw_scene(options, ["v-0", "v-1"], source, (k,))
        assert len(found.babble) == 4 and not any("v-0-" in path or "v-1-" in path for path in found.babble)
        heard_level = level_db(found.record({}, 32000) / 10 ** (found.level_dbfs / 20))
        assert heard_level > -found.babble_snr_db - 1


def test_noise_has_its_colour() -> None:
    rng = np.random.default_rng(0)
    for colour in (0.0, 1.0, 2.0):
        power = np.abs(np.fft.rfft(colored_noise(1 << 18, colour, rng))) ** 2
        frequency = np.fft.rfftfreq(1 << 18, 1 / RATE)
        octaves = [power[(frequency > f) & (frequency < 2 * f)].mean() for f in (250, 500, 1000, 2000)]
        assert np.diff(10 * np.log10(octaves)) == pytest.approx(-3.01 * colour, abs=0.4)


def test_a_room_keeps_time_and_level() -> None:
    clicks = np.zeros((2, 2 * RATE))
    clicks[0, 4000], clicks[1, 20000] = 1.0, 0.5
    for seed in range(4):
        for dry, wet in zip(clicks, in_made_up_room(list(clicks), seed, 0.5), strict=True):
            assert np.abs(wet).argmax() == np.abs(dry).argmax()
            assert (wet**2).sum() == pytest.approx((dry**2).sum())
            assert np.count_nonzero(np.abs(wet) > 1e-4) > 50
    one, two = (in_made_up_room(list(clicks), 7, 0.5) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_the_band_of_a_telephone() -> None:
    time = np.arange(RATE) / RATE
    levels = {hz: level_db(telephone_band(np.sin(2 * np.pi * hz * time))[2000:]) + 3.01 for hz in (100, 1000, 6000)}
    assert levels[1000] == pytest.approx(0, abs=0.5) and levels[100] < -25 and levels[6000] < -25


@pytest.mark.parametrize("codec", CODECS)
def test_what_comes_through_a_codec_is_damaged_and_in_its_place(codec) -> None:
    rng, time = np.random.default_rng(0), np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 300 * time + 3 * np.sin(2 * np.pi * 3 * time)) + 0.3 * np.sin(2 * np.pi * 900 * time)
    clean = (0.1 * tone * (time % 1 < 0.6) + 1e-3 * rng.standard_normal(len(time))).astype(np.float32)
    coded = through_codec(clean, codec)
    assert coded.shape == clean.shape and coded.dtype == np.float32
    likeness = np.correlate(clean[RATE : 2 * RATE], coded[RATE - 400 : 2 * RATE + 400])
    assert abs(int(np.abs(likeness).argmax()) - 400) <= 160  # 10 ms
    assert level_db(coded) == pytest.approx(level_db(clean), abs=1.5) and not np.allclose(coded, clean, atol=1e-3)


def test_a_share_of_the_scenes_has_a_codec_and_others_stay_as_they_were(source) -> None:
    plain, coded = SceneOptions(), SceneOptions(codec_share=0.5, codecs=["gsm", "opus"])
    pairs = [(draw_scene(plain, ["v-0"], source, (k,)), draw_scene(coded, ["v-0"], source, (k,))) for k in range(60)]
    assert all(one.codec is None and replace(two, codec=None) == one for one, two in pairs)
    found = [two.codec for _, two in pairs]
    assert 20 < found.count(None) < 40 and set(found) == {None, "gsm", "opus"}
    silent = np.zeros(RATE, np.float32)
    assert (
        np.abs(scene(codec="gsm", gains={}).record({}, RATE)).max() < 0.1 and not through_codec(silent, "mulaw").any()
    )
    with pytest.raises(MimidiarError, match=r"talks: scene\.codecs is .*mp7.*; it must be one or more of gsm, mulaw"):
        ConversationOptions(scene=SceneOptions(codecs=["mp7"])).check("talks")


def test_what_cannot_be_is_named() -> None:
    for change, message in (
        ({"count": 0}, "count is 0; it must be at least 1"),
        ({"speakers": []}, "speakers is"),
        ({"speaker_weights": [1.0]}, "speaker_weights is"),
        ({"turn_factor": [2.0, 1.0]}, "turn_factor is"),
        ({"silent_share": 1.0}, "silent_share is 1.0"),
    ):
        with pytest.raises(MimidiarError, match=f"talks: {message}"):
            ConversationOptions(**change).check("talks")
    with pytest.raises(MimidiarError, match=r"talks: scene\.room_share is 2; it must be between 0 and 1"):
        ConversationOptions(scene=SceneOptions(room_share=2)).check("talks")
    with pytest.raises(MimidiarError, match="level_dbfs is"):
        ConversationOptions(scene=SceneOptions(level_dbfs=[-10, 5])).check("talks")
