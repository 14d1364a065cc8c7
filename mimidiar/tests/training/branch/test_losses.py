"""What the losses of a branch are, frame by frame, and what is left out of them."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mimidiar.annotation.turns import Turn
from mimidiar.data.utterances_manifest import SourceUtterance
from mimidiar.encoders.branch.network import BranchOutput
from mimidiar.simulation.placement import Placement
from mimidiar.simulation.turn_taking import DrawnConversation
from mimidiar.training.branch.config import BranchTraining
from mimidiar.training.branch.data import NEAR_FRAMES, BranchBatch, frame_labels, near_changes, side_by_side
from mimidiar.training.branch.losses import branch_losses, identity_losses

FRAME = 0.08


def utterance(speaker: str, *speech: tuple[float, float]) -> SourceUtterance:
    return SourceUtterance(speaker, speaker, speaker, "x", "none.flac", 10.0, speech)


@pytest.fixture(scope="module")
def teacher() -> torch.Tensor:
    return F.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(0)), dim=-1)


def test_frames_are_labeled_by_the_speech_itself() -> None:
    """Pauses within an utterance are silence, and of three who speak two are named."""
    placed = [
        Placement(utterance("a", (0.0, 2 * FRAME), (4 * FRAME, 10 * FRAME)), 0.0, 10 * FRAME),
        Placement(utterance("b", (0.0, 10.0)), 1.0, 2 * FRAME, 8 * FRAME),
        Placement(utterance("c", (0.0, 10.0)), 0.0, FRAME, 9 * FRAME),
    ]
    turns = (Turn("", 0.0, 10 * FRAME, "a"),)
    labels = frame_labels(DrawnConversation(tuple(placed), turns, 12, None), {"a": 7, "b": 3, "c": 1})
    assert labels.speaking.tolist() == [1, 1, 0, 0, 1, 1, 1, 1, 2, 3, 0, 0]
    assert labels.voices[:, 0].tolist() == [7, 7, -1, -1, 7, 7, 7, 7, 7, 7, -1, -1]
    assert labels.voices[:, 1].tolist() == [-1] * 8 + [3, 3, -1, -1]
    unknown = frame_labels(DrawnConversation(tuple(placed), turns, 12, None), {"a": 7})
    assert unknown.speaking.tolist() == labels.speaking.tolist() and (unknown.voices[:, 1] == -1).all()


def test_frames_near_a_change_are_those_around_it() -> None:
    active = np.zeros((40, 2), bool)
    active[20:, 0] = True
    assert np.flatnonzero(near_changes(active)).tolist() == list(range(20 - NEAR_FRAMES, 20 + NEAR_FRAMES + 1))
    assert not near_changes(np.zeros((40, 0), bool)).any()


def test_the_loss_of_one_voice_is_its_cross_entropy_with_a_margin(teacher) -> None:
    config = BranchTraining(scale=10.0, margin=0.2)
    vectors = F.normalize(torch.randn(1, 6, 8), dim=-1)
    voices = torch.tensor([[[0, -1], [4, -1], [2, -1], [-1, -1], [1, -1], [3, -1]]])
    speaking = torch.tensor([[1, 1, 1, 0, 1, 1]])
    voice, direct = identity_losses(vectors, voices, speaking, torch.zeros(1, 6, dtype=torch.bool), teacher, config)
    spoken = [0, 1, 2, 4, 5]
    cosines = vectors[0, spoken] @ teacher.T
    wanted = voices[0, spoken, 0]
    cosines[range(5), wanted] -= 0.2
    assert torch.isclose(voice, F.cross_entropy(10 * cosines, wanted))
    assert torch.isclose(direct, (1 - (vectors[0, spoken] * teacher[wanted]).sum(1)).mean())


def test_changes_and_overlap_weigh_what_the_configuration_says(teacher) -> None:
    config = BranchTraining(overlap_weight=0.5, change_weight=3.0)
    vectors = F.normalize(torch.randn(1, 3, 8), dim=-1)
    voices, speaking = torch.tensor([[[0, -1], [1, -1], [2, 3]]]), torch.tensor([[1, 1, 2]])
    near = torch.tensor([[False, True, False]])
    _, direct = identity_losses(vectors, voices, speaking, near, teacher, config)
    apart = 1 - vectors[0] @ teacher.T
    expected = (apart[0, 0] + 3 * apart[1, 1] + 0.5 * (apart[2, 2] + apart[2, 3]) / 2) / 4.5
    assert torch.isclose(direct, expected)


def test_frames_with_an_unknown_voice_and_with_three_are_left_out(teacher) -> None:
    vectors = F.normalize(torch.randn(1, 3, 8), dim=-1)
    voices, speaking = torch.tensor([[[0, -1], [0, -1], [0, 1]]]), torch.tensor([[1, 2, 3]])
    near = torch.zeros(1, 3, dtype=torch.bool)
    found = identity_losses(vectors, voices, speaking, near, teacher, BranchTraining())
    alone = identity_losses(vectors[:, :1], voices[:, :1], speaking[:, :1], near[:, :1], teacher, BranchTraining())
    assert torch.allclose(torch.stack(found), torch.stack(alone))
    silent = identity_losses(vectors, -torch.ones_like(voices), 0 * speaking, near, teacher, BranchTraining())
    assert [float(loss) for loss in silent] == [0.0, 0.0]


def test_with_a_lookahead_outputs_are_about_earlier_frames(teacher) -> None:
    """The vectors of the teacher, three frames late, are perfect for that look-ahead, and not for the other."""
    voices = torch.arange(5).repeat(2)[None, :, None]
    voices = torch.cat([voices, -torch.ones_like(voices)], dim=-1)
    late = torch.cat([torch.zeros(1, 3, 8), teacher[voices[0, :7, 0]][None]], dim=1)
    speaking, near = torch.ones(1, 10, dtype=torch.long), torch.zeros(1, 10, dtype=torch.bool)
    batch = BranchBatch(torch.zeros(1, 10, 4), voices, speaking, near)
    output = BranchOutput(late[:, None], torch.zeros(1, 1, 10, 2))
    assert branch_losses(output, batch, teacher, [3], BranchTraining()).teacher < 1e-6
    assert branch_losses(output, batch, teacher, [0], BranchTraining()).teacher > 0.1


def test_streams_at_two_rates_stand_side_by_side() -> None:
    slow, fast = np.arange(6.0).reshape(3, 2), np.arange(5.0)[:, None]
    assert side_by_side([slow, fast], [12.5, 25.0]).tolist() == [[0, 1, 0, 1], [2, 3, 2, 3], [4, 5, 4, 4]]
