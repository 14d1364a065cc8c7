"""The log-mel control: its frames, streaming, padding and refusals."""

import numpy as np
import pytest
import torch

from mimidiar.encoders.logmel import BANDS, FLOOR, FRAME_SAMPLES, HOP, WINDOW
from mimidiar.encoders.registry import load_encoder
from mimidiar.errors import MimidiarError


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("logmel", "mel")


def test_a_tone_is_in_its_band_from_its_first_frame_on(encoder) -> None:
    time = torch.arange(16000) / 16000
    audio = torch.cat([torch.zeros(16000), torch.sin(2 * torch.pi * 1000 * time)])[None]
    features, frames = encoder.encode(audio, torch.tensor([32000]))
    assert features.shape == (1, 50, BANDS) and frames.tolist() == [50]
    assert torch.allclose(features[0, :25], torch.tensor(FLOOR).log())
    mel = 2595 * np.log10(1 + np.array([1000, 8000]) / 700)
    assert (features[0, 27:].argmax(-1) - (BANDS + 1) * mel[0] / mel[1]).abs().max() < 1.5


def test_chunks_and_padding_change_no_frame(encoder) -> None:
    random = torch.Generator().manual_seed(0)
    audio = torch.randn(2, 20 * FRAME_SAMPLES + 300, generator=random)
    lengths = torch.tensor([audio.shape[1], 7 * FRAME_SAMPLES - 5])
    whole, frames = encoder.encode(audio, lengths)
    assert frames.tolist() == [42, 14] and (whole[1, 14:] == 0).all()
    alone, _ = encoder.encode(audio[1:, : lengths[1]], lengths[1:])
    assert torch.allclose(alone[0], whole[1, :14], atol=1e-5)
    for pieces in ([1] * 20, [3, 1, 16], [20]):
        with encoder.stream(1) as stream:
            parts = audio[:1, : 20 * FRAME_SAMPLES].split([n * FRAME_SAMPLES for n in pieces], dim=1)
            assert torch.allclose(torch.cat([stream.step(part) for part in parts], 1), whole[:1, :40], atol=1e-5)


def test_a_frame_is_the_spectrum_of_its_window(encoder) -> None:
    audio = torch.randn(1, 4 * FRAME_SAMPLES)
    features, _ = encoder.encode(audio, torch.tensor([audio.shape[1]]))
    window = audio[0, 6 * HOP - WINDOW : 6 * HOP].numpy() * np.hanning(WINDOW + 1)[:-1]
    power = np.abs(np.fft.rfft(window)) ** 2
    assert np.allclose(features[0, 5], np.log(power @ encoder.bands.numpy() + FLOOR), atol=1e-3)


def test_refusals(encoder) -> None:
    with pytest.raises(MimidiarError, match="one tap is mel"):
        load_encoder("logmel", "latent")
    with pytest.raises(MimidiarError, match="reads no checkpoint"):
        load_encoder("logmel", "mel", checkpoint="x.safetensors")
    with encoder.stream(1) as stream, pytest.raises(ValueError, match="n x 1280"):
        stream.step(torch.zeros(1, 100))
