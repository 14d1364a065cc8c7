"""Who talks in which conversation."""

from collections import Counter

import pytest

from mimidiar.errors import MimidiarError
from mimidiar.simulation.plan import ConversationSet, plan_conversations

CORPUS_OF = {f"a-{k:02d}": "a" for k in range(30)} | {f"b-{k}": "b" for k in range(10)} | {"c-0": "c", "c-1": "c"}


def test_the_plan_is_balanced_and_within_one_corpus() -> None:
    plan = plan_conversations("train", ConversationSet(conversations=90), CORPUS_OF)
    assert Counter(len(c.speakers) for c in plan) == {2: 30, 3: 30, 4: 30}
    assert len({c.id for c in plan}) == 90
    for conversation in plan:
        assert len(set(conversation.speakers)) == len(conversation.speakers)
        assert {CORPUS_OF[speaker] for speaker in conversation.speakers} == {conversation.corpus}
    used = Counter(speaker for c in plan for speaker in c.speakers)
    for corpus in "ab":
        counts = [used[speaker] for speaker in CORPUS_OF if CORPUS_OF[speaker] == corpus]
        assert max(counts) - min(counts) <= 2
    assert all(len(c.speakers) == 2 for c in plan if c.corpus == "c")
    assert abs(sum(used.values()) / 42 - sum(used[f"a-{k:02d}"] for k in range(30)) / 30) < 0.5


def test_the_plan_depends_on_the_seed_and_the_name_only() -> None:
    options = ConversationSet(conversations=10)
    plan = plan_conversations("train", options, CORPUS_OF)
    assert plan == plan_conversations("train", options, dict(reversed(CORPUS_OF.items())))
    for name, seed in (("dev", 0), ("train", 1)):
        other = plan_conversations(name, ConversationSet(conversations=10, seed=seed), CORPUS_OF)
        assert [c.speakers for c in other] != [c.speakers for c in plan]
        assert not {c.seed(0) for c in other} & {c.seed(0) for c in plan}
    assert plan[0].seed(0) != plan[0].seed(1)


def test_weights_and_rounding() -> None:
    options = ConversationSet(conversations=10, speakers=[2, 4], speaker_weights=[3, 1])
    plan = plan_conversations("x", options, CORPUS_OF)
    assert Counter(len(c.speakers) for c in plan) in ({2: 8, 4: 2}, {2: 7, 4: 3})


def test_too_few_speakers() -> None:
    with pytest.raises(MimidiarError, match="a conversation wants 4 speakers of one corpus, the largest has 2"):
        plan_conversations("x", ConversationSet(conversations=1, speakers=[4]), {"c-0": "c", "c-1": "c"})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("conversations", 0, "conversations is 0; it must be at least 1"),
        ("overlap_var", 0.2, "overlap_var is 0.2; it must be 0, or below"),
        ("speakers", [2, 9], r"speakers is \[2, 9\]; it must be different counts from 1 to 8"),
        ("speaker_weights", [1.0], r"speaker_weights is \[1.0\]; it must be one weight above 0 for each of speakers"),
        ("volume_range", [1.0], r"volume_range is \[1.0\]; it must be two numbers"),
        ("turn_prob", 0.2, "turn_prob is 0.2; it must be between 0.5 and 1"),
    ],
)
def test_options_that_cannot_be(key: str, value: object, message: str) -> None:
    options = ConversationSet(**{"conversations": 1, key: value})
    with pytest.raises(MimidiarError, match=f"simulation set 'train': {message}"):
        options.check("simulation set 'train'")
