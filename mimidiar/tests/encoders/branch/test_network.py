"""The branch's network: causal, with a look-ahead that is only a delay, and the same in any steps."""

from dataclasses import asdict

import pytest
import torch

from mimidiar.encoders.branch.network import BranchConfig, SpeakerBranch, aligned

DIM = 12


@pytest.fixture(scope="module")
def branch() -> SpeakerBranch:
    torch.manual_seed(0)
    network = SpeakerBranch(**asdict(BranchConfig(input_dim=DIM, width=16, embedding_dim=8, dilations=[1, 3])))
    network.features.set_statistics(torch.randn(DIM), torch.rand(DIM) + 0.5)
    return network.eval()


@torch.inference_mode()
def run(branch: SpeakerBranch, features: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """[vectors | logits] (B, L, T, E + 2), in steps of these sizes."""
    state, found = None, []
    for part in features.split(sizes, dim=1):
        output, state = branch(part, state)
        found.append(torch.cat(list(output), dim=-1))
    return torch.cat(found, dim=2)


def test_any_steps_give_what_one_gives(branch) -> None:
    features = torch.randn(2, 40, DIM)
    whole = run(branch, features, [40])
    for sizes in ([1] * 40, [7, 1, 30, 2], [39, 1]):
        assert torch.allclose(run(branch, features, sizes), whole, atol=1e-5)


def test_later_input_changes_nothing_and_the_past_counts_as_far_as_the_blocks_reach(branch) -> None:
    features = torch.randn(1, 60, DIM)
    changed = features.clone()
    changed[:, 30] += 1
    differs = (run(branch, features, [60]) - run(branch, changed, [60])).abs().amax((0, 1, 3)) > 1e-6
    reach = 4 * (1 + 3)
    assert not differs[:30].any() and differs[30 : 30 + reach + 1].all() and not differs[31 + reach :].any()


def test_vectors_have_unit_length_and_each_lookahead_its_own(branch) -> None:
    output, _ = branch(torch.randn(3, 20, DIM))
    assert output.embeddings.shape == (3, 2, 20, 8) and output.activity.shape == (3, 2, 20, 2)
    assert torch.allclose(output.embeddings.norm(dim=-1), torch.ones(3, 2, 20))
    assert not torch.allclose(output.embeddings[:, 0], output.embeddings[:, 1])
    assert torch.equal(aligned(output.embeddings[:, 1], 3), output.embeddings[:, 1, 3:])


def test_the_default_has_at_most_a_million_and_a_half_values() -> None:
    for dim in (768, 928):
        network = SpeakerBranch(**asdict(BranchConfig(input_dim=dim)))
        assert sum(value.numel() for value in network.parameters()) <= 1_500_000
