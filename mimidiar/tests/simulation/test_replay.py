"""Training conversations that replay real turns, are of one sex, or in which a speaker moves."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mimidiar.annotation.turns import Turn
from mimidiar.errors import MimidiarError
from mimidiar.simulation.drawn_sets import read_speakers
from mimidiar.simulation.scenes import MOVE_SEC, Move, SceneOptions, draw_scene, moved
from mimidiar.simulation.turn_statistics import TurnStatistics, draw_stretch
from mimidiar.simulation.turn_taking import ConversationOptions, draw_conversation
from mimidiar.simulation.voices import more_voices
from mimidiar.tests.tones import RATE, write_tones

KINDS = {"quick": TurnStatistics([0.3, 1.0, 3.0], [-1.0, 0.2, 1.0], [0.3, 1.0], 0.8, 100)}
PLAIN = {"seconds": 20.0, "speed": [1.0, 1.0], "join_gap_sec": 0.0, "silent_share": 0.0, "scene": None}
# Two who take turns of 0.6 s, with pauses of 0.4 s.
REAL = {"real": [Turn("real", float(k), k + 0.6, "ab"[k % 2]) for k in range(100)]}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory):
    return read_speakers(write_tones(tmp_path_factory.mktemp("tones") / "train", list(range(12)), level=1.0))


def drawn(source, number: int, sequences=REAL, **options):
    asked = ConversationOptions(**PLAIN | {"replay_share": 1.0} | options)
    return draw_conversation(source, asked, KINDS, (1, 0, number), sequences)


def test_replayed_turns_are_where_the_real_ones_are(source) -> None:
    """Speech lies within the real turns, by two speakers in turn; the last word of a turn may be missing."""
    for number in range(5):
        found = drawn(source, number)
        spoken = sorted((each.at, each.end, each.utterance.speaker) for each in found.placements)
        assert 18 <= len(spoken) <= 21 and len({speaker for *_, speaker in spoken}) == 2
        offset = spoken[1][0] % 1
        for start, end, _ in spoken[1:-1]:
            assert start % 1 == pytest.approx(offset, abs=1e-6) and 0.2 <= end - start < 0.6 + 1e-6
        assert all(one[2] != other[2] for one, other in pairwise(spoken))


def test_the_share_of_replayed_conversations_is_that_asked_for(source) -> None:
    replayed = 0
    for number in range(60):
        spoken = drawn(source, number, replay_share=0.5).placements
        replayed += len({round(each.at % 1, 6) for each in spoken[1:]}) == 1 and len(spoken) > 10
    assert 18 <= replayed <= 42
    assert drawn(source, 3, sequences=None) == drawn(source, 3, sequences={})


def test_a_stretch_has_at_most_so_many_speakers() -> None:
    """And speech: of a conversation that falls silent, the part before."""
    crowd = {"crowd": [Turn("crowd", 0.0, 100.0, speaker) for speaker in "abcdef"]}
    late = {"silent": [Turn("silent", 0.0, 20.0, "a"), Turn("silent", 399.0, 400.0, "b")]}
    rng = np.random.default_rng(0)
    for _ in range(5):
        turns = draw_stretch(crowd | REAL, 10.0, 3, rng)
        assert {turn.speaker for turn in turns} == {"a", "b"} and turns == sorted(turns)
        assert min(turn.start for turn in turns) >= 0 and max(turn.end for turn in turns) <= 10
    for _ in range(5):
        assert {turn.speaker for turn in draw_stretch(late, 10.0, 3, rng)} == {"a"}
    with pytest.raises(MimidiarError, match="no stretch of 10 s in which at most 3 speak"):
        draw_stretch(crowd, 10.0, 3, rng)


def test_speakers_are_of_one_sex_in_the_share_asked_for(source) -> None:
    sexes = {name: [replace(u, gender="fm"[k % 2]) for u in own] for k, (name, own) in enumerate(source.items())}
    of = {name: own[0].gender for name, own in sexes.items()}
    for share, low, high in ((0.99, 29, 30), (0.0, 5, 24)):
        alike = Counter()
        for number in range(30):
            found = drawn(sexes, number, replay_share=0.0, same_sex_share=share, speakers=[2], speaker_weights=[1.0])
            alike[len({of[each.utterance.speaker] for each in found.placements})] += 1
        assert low <= alike[1] <= high
    # Where a sex has too few, they are of both.
    few = {name: own for name, own in sexes.items() if name in ("v-0", "v-1", "v-2")}
    found = drawn(few, 0, replay_share=0.0, same_sex_share=0.99, speakers=[3], speaker_weights=[1.0])
    assert len({each.utterance.speaker for each in found.placements}) == 3


def test_who_moves_is_as_before_until_then_and_has_another_level_after() -> None:
    track = np.random.default_rng(0).standard_normal(4 * RATE)
    dry = np.random.default_rng(1).standard_normal(4 * RATE)
    found = moved(track, dry, Move("a", 0.5, -10.0, room=3, t60_sec=0.3))
    assert np.array_equal(found[: 2 * RATE], track[: 2 * RATE])
    late = found[2 * RATE + round(MOVE_SEC * RATE) :]
    assert 10 * np.log10(np.mean(late**2) / np.mean(dry**2)) == pytest.approx(-10, abs=0.5)
    assert abs(np.corrcoef(late, track[-len(late) :])[0, 1]) < 0.1
    assert 0.1 < abs(np.corrcoef(late, dry[-len(late) :])[0, 1]) < 0.99


def test_one_of_the_speakers_moves_in_the_share_asked_for(source) -> None:
    scenes = [draw_scene(SceneOptions(move_share=0.5), ["v-0", "v-1"], source, (k,)) for k in range(60)]
    movers = Counter(scene.move.speaker for scene in scenes if scene.move)
    assert 18 <= movers.total() <= 42 and set(movers) == {"v-0", "v-1"}
    # Without, a scene is that of before.
    assert [replace(each, move=None) for each in scenes] == [
        draw_scene(SceneOptions(), ["v-0", "v-1"], source, (k,)) for k in range(60)
    ]


def test_babble_is_of_nobody_who_speaks_under_another_voice(source) -> None:
    voices = more_voices({name: source[name] for name in list(source)[:8]}, 3, 0)
    for number in range(20):
        options = SceneOptions(babble_share=1.0, babble_talkers=[3, 3])
        found = draw_scene(options, ["v-0~1", "v-1"], voices, (number,))
        assert len(found.babble) == 3 and not any("v-0-" in path or "v-1-" in path for path in found.babble)
