"""The log-mel control: its frames, streaming, padding and refusals."""

import numpy as np
import pytest
import torch

from mimidiar.encoders.logmel import BANDS, FLOOR, TAPS
from mimidiar.encoders.registry import load_encoder
from mimidiar.errors import MimidiarError

HOP, WINDOW, FRAME_SAMPLES = 640, 1024, 1280  # at 16 kHz


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("logmel", "mel")


def test_the_tap_for_a_codecs_audio_is_the_same_spectrum_of_the_same_times(encoder) -> None:
    other = load_encoder("logmel", "mel24")
    assert TAPS["mel24"] == other.sample_rate == 24000 and other.frame_samples == 1920
    spectra = []
    for each in (encoder, other):
        time = torch.arange(2 * each.sample_rate) / each.sample_rate
        audio = (torch.sin(2 * torch.pi * 500 * time) + torch.sin(2 * torch.pi * 3000 * time))[None]
        spectra.append(each.encode(audio, torch.tensor([audio.shape[1]]))[0][0])
    # A window of 1.5 times the samples has 2.25 times the power.
    loud = spectra[0] > 2
    assert loud[10:].any() and torch.allclose(
        spectra[1][loud] - spectra[0][loud], torch.tensor(1.5).log() * 2, atol=0.2
    )


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


def test_its_own_tap_is_all_that_a_study_of_depth_has(encoder) -> None:
    assert encoder.all_taps() == (encoder, ["mel"])
    assert (encoder.frame_hz, encoder.dim, encoder.sample_rate, encoder.lookahead_frames) == (25.0, BANDS, 16000, 0)


def test_refusals(encoder) -> None:
    with pytest.raises(MimidiarError, match="choose mel or mel24"):
        load_encoder("logmel", "latent")
    with pytest.raises(MimidiarError, match="reads no checkpoint"):
        load_encoder("logmel", "mel", checkpoint="x.safetensors")
    with encoder.stream(1) as stream, pytest.raises(ValueError, match="n x 1280"):
        stream.step(torch.zeros(1, 100))
