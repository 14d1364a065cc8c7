"""The codec's losses against closed forms and a transform written out."""

import math

import numpy as np
import pytest
import torch

from mimidiar.studies.codec_training.loop import FLOOR, MelLoss, distillation_loss, waveform_loss

RATE = 24000


@pytest.fixture
def noise() -> torch.Tensor:
    return 0.3 * torch.randn(3, 4800, generator=torch.Generator().manual_seed(0))


def test_spectrum_is_that_of_a_transform_written_out(noise) -> None:
    size = 256
    loss = MelLoss([size], RATE)
    found = loss.spectrum(noise, size)
    window = np.hanning(size + 1)[:size]
    frame = noise[1, 2 * size // 2 :][:size].numpy().astype(np.float64) * window * 2 / window.sum()
    turns = np.exp(-2j * np.pi * np.outer(np.arange(size // 2 + 1), np.arange(size)) / size)
    bands = loss.get_buffer(f"bands_{size}").numpy()
    wanted = np.log(np.abs(turns @ frame) @ bands + FLOOR)
    np.testing.assert_allclose(found[1, 2].numpy(), wanted, atol=1e-4)


def test_a_sine_at_full_scale_has_magnitude_one_in_the_bands_around_it() -> None:
    size = 512
    loss = MelLoss([size], RATE)
    sine = torch.sin(2 * math.pi * 20 * RATE / size * torch.arange(2048) / RATE)[None]
    magnitudes = loss.spectrum(sine, size).exp()[0, 1]
    bands = loss.get_buffer(f"bands_{size}")
    wanted = bands[20] + 0.5 * (bands[19] + bands[21])  # a Hann window's line has half of it in either neighbour
    torch.testing.assert_close(magnitudes, wanted + FLOOR, atol=1e-3, rtol=0)


def test_a_louder_copy_is_as_far_as_its_gain(noise) -> None:
    loss = MelLoss([1024, 256], RATE)
    assert loss(noise, noise).abs().max() == 0
    torch.testing.assert_close(loss(2 * noise, noise), torch.full((3,), math.log(2)), atol=0.01, rtol=0)


def test_what_lies_below_the_floor_counts_for_little(noise) -> None:
    loss = MelLoss([512], RATE)
    silence = torch.zeros_like(noise)
    assert loss(1e-6 * noise, silence).max() < 0.01 < loss(0.01 * noise, silence).min()


def test_each_row_is_by_itself(noise) -> None:
    loss, other = MelLoss([512, 128], RATE), noise.flip(1)
    rows = torch.cat([loss(noise[k : k + 1], other[k : k + 1]) for k in range(3)])
    torch.testing.assert_close(loss(noise, other), rows)


def test_every_resolution_counts_the_same(noise) -> None:
    other = noise.flip(1)
    single = [MelLoss([size], RATE)(noise, other) for size in (1024, 256)]
    torch.testing.assert_close(MelLoss([1024, 256], RATE)(noise, other), sum(single) / 2)


def test_waveform_loss_is_a_share_of_what_was_wanted(noise) -> None:
    torch.testing.assert_close(waveform_loss(torch.zeros_like(noise), noise), torch.ones(3))
    torch.testing.assert_close(waveform_loss(-noise, noise), torch.full((3,), 2.0))
    torch.testing.assert_close(waveform_loss(0.5 * noise, noise), waveform_loss(0.05 * noise, 0.1 * noise))


def test_distillation_is_of_angles_and_of_rows_that_have_a_target() -> None:
    target = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    guess = torch.tensor([[3.0, 3.0], [5.0, 1.0], [0.0, -2.0]])
    wanted = ((1 - math.sqrt(0.5)) + 2) / 2
    assert distillation_loss(guess, target).item() == pytest.approx(wanted, abs=1e-6)
    assert distillation_loss(guess, target, torch.tensor(4.0)).item() == pytest.approx(wanted / 2, abs=1e-6)
    assert distillation_loss(guess, torch.zeros(3, 2)).item() == 0
