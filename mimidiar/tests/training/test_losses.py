"""The losses against brute force, and what must not change them."""

from itertools import permutations

import pytest
import torch
from torch.nn import functional as F

from mimidiar.annotation.activity import arrival_order
from mimidiar.training.losses import (
    best_order,
    binary_cross_entropy,
    count_pairs,
    deep_clustering_loss,
    hybrid_loss,
    permutation_invariant_loss,
    sort_by_arrival,
    sort_loss,
)


def random_case(seed: int, batch: int = 5, frames: int = 30, channels: int = 4):
    """Logits, bursty binary targets, and a mask that keeps at least one frame of each row."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, frames, channels, generator=generator)
    targets = (torch.rand(batch, frames // 3, channels, generator=generator) < 0.4).float().repeat_interleave(3, dim=1)
    lengths = torch.randint(1, frames + 1, (batch,), generator=generator)
    return logits, targets, torch.arange(frames) < lengths[:, None]


def one_by_one(logits, targets, mask, order_of) -> float:
    """Mean over all counted frames of all rows; `order_of` (z, y) -> columns of y, for one row without padding."""
    total, count = 0.0, 0
    for z, y, m in zip(logits, targets, mask, strict=True):
        z, y = z[m], y[m]
        total += F.binary_cross_entropy_with_logits(z, y[:, order_of(z, y)], reduction="sum").item() / z.shape[1]
        count += len(z)
    return total / count


def cheapest(z, y) -> list[int]:
    orders = list(permutations(range(z.shape[1])))
    costs = [F.binary_cross_entropy_with_logits(z, y[:, list(o)]).item() for o in orders]
    return list(orders[costs.index(min(costs))])


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_permutation_invariant_loss_is_the_least_over_all_orders(seed: int, channels: int) -> None:
    logits, targets, mask = random_case(seed, channels=channels)
    expected = one_by_one(logits, targets, mask, cheapest)
    assert permutation_invariant_loss(logits, targets, mask).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("seed", range(10))
def test_sort_loss_sorts_by_arrival_inside_the_counted_frames(seed: int) -> None:
    logits, targets, mask = random_case(seed)
    expected = one_by_one(logits, targets, mask, lambda _, y: arrival_order(y.numpy().astype(bool)))
    assert sort_loss(logits, targets, mask).item() == pytest.approx(expected, abs=1e-5)


def test_sorting_breaks_ties_by_next_activity_and_keeps_twins() -> None:
    rows = torch.tensor([[1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]).float()
    y = rows.T[None]
    assert sort_by_arrival(y, torch.ones(1, 4, dtype=torch.bool))[0].T.tolist() == rows[[2, 3, 0, 1]].tolist()


@pytest.mark.parametrize("loss", [sort_loss, permutation_invariant_loss, lambda z, y, m: hybrid_loss(z, y, m, 0.5)])
def test_padding_and_the_order_of_reference_columns_change_nothing(loss) -> None:
    logits, targets, mask = random_case(3)
    value = loss(logits, targets, mask)
    noise = torch.where(mask[..., None], logits, torch.randn_like(logits) * 50)
    junk = torch.where(mask[..., None], targets, 1 - targets)
    assert torch.allclose(value, loss(noise, junk, mask), atol=1e-6)
    assert torch.allclose(value, loss(logits, targets[:, :, [2, 0, 3, 1]], mask), atol=1e-6)
    longer = [F.pad(x, (0, 0, 0, 7)) for x in (logits, targets)]
    assert torch.allclose(value, loss(*longer, F.pad(mask, (0, 7))), atol=1e-6)


def test_permutation_invariant_loss_does_not_depend_on_channel_order() -> None:
    logits, targets, mask = random_case(4)
    value = permutation_invariant_loss(logits, targets, mask)
    assert torch.allclose(value, permutation_invariant_loss(logits[:, :, [3, 1, 0, 2]], targets, mask), atol=1e-6)


def test_hybrid_is_the_weighted_sum_and_sort_alone_ignores_the_other() -> None:
    case = random_case(5)
    for weight in (0.0, 0.3, 1.0):
        expected = weight * sort_loss(*case) + (1 - weight) * permutation_invariant_loss(*case)
        assert hybrid_loss(*case, sort_weight=weight).item() == pytest.approx(expected.item(), abs=1e-6)


def test_hungarian_and_brute_force_agree() -> None:
    logits, targets, mask = random_case(6, channels=6, frames=12)
    orders = best_order(logits, targets, mask)
    for z, y, m, order in zip(logits, targets, mask, orders, strict=True):
        found = F.binary_cross_entropy_with_logits(z[m], y[m][:, order])
        least = F.binary_cross_entropy_with_logits(z[m], y[m][:, cheapest(z[m], y[m])])
        assert found.item() == pytest.approx(least.item(), abs=1e-6)


def test_an_empty_mask_gives_zero_and_gradients_reach_only_counted_frames() -> None:
    logits, targets, mask = random_case(7)
    assert binary_cross_entropy(logits, targets, torch.zeros_like(mask)).item() == 0
    logits.requires_grad_()
    hybrid_loss(logits, targets, mask, 0.5).backward()
    assert (logits.grad[~mask] == 0).all() and (logits.grad[mask] != 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_deep_clustering_compares_every_pair_of_frames_with_one_speaker(seed: int) -> None:
    _, targets, mask = random_case(seed)
    voices = torch.randn(*mask.shape, 6, generator=torch.Generator().manual_seed(seed))
    total, pairs = 0.0, 0
    for v, y, m in zip(voices, targets, mask, strict=True):
        alone = [t for t in range(len(y)) if m[t] and y[t].sum() == 1]
        for i in alone:
            for j in alone:
                same = float(y[i].argmax() == y[j].argmax())
                total += (F.cosine_similarity(v[i], v[j], dim=0).item() - same) ** 2
        pairs += len(alone) ** 2
    assert pairs > 0
    loss = deep_clustering_loss(voices, targets, mask)
    assert loss.item() == pytest.approx(total / pairs, abs=1e-5)
    assert deep_clustering_loss(3 * voices, targets[..., [2, 0, 3, 1]], mask).item() == pytest.approx(loss.item())


def test_deep_clustering_is_zero_for_a_direction_per_speaker_and_without_speech() -> None:
    _, targets, mask = random_case(0)
    assert deep_clustering_loss(targets @ torch.eye(4), targets, mask).item() == pytest.approx(0, abs=1e-6)
    assert deep_clustering_loss(torch.randn(*mask.shape, 6), 0 * targets, mask).item() == 0


@pytest.mark.parametrize("shares", [2, 3, 5])
def test_shares_of_a_batch_have_the_loss_and_the_gradient_of_the_batch(shares: int) -> None:
    """On average, divided by what the mean share has to count; one of the shares counts nothing."""
    logits, targets, mask = random_case(7)
    mask[-1] = False
    for loss, count in (
        (lambda z, y, m, n=None: hybrid_loss(z, y, m, 0.3, n), lambda y, m: m.sum()),
        (deep_clustering_loss, count_pairs),
    ):
        z = logits.clone().requires_grad_()
        whole = loss(z, targets, mask)
        (wanted,) = torch.autograd.grad(whole, z)
        mean_count = count(targets, mask) / shares
        rows = [slice(first, None, shares) for first in range(shares)]
        parts = sum(loss(z[own], targets[own], mask[own], mean_count) for own in rows) / shares
        assert parts.item() == pytest.approx(whole.item(), abs=1e-6)
        torch.testing.assert_close(torch.autograd.grad(parts, z)[0], wanted, atol=1e-6, rtol=1e-4)


def test_losses_of_nothing_are_0() -> None:
    logits, targets, mask = random_case(8)
    nothing = torch.zeros_like(mask)
    assert hybrid_loss(logits, targets, nothing, 0.5) == deep_clustering_loss(logits, targets, nothing) == 0
