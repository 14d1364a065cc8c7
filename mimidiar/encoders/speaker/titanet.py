"""TitaNet-L (Koluguri et al. 2022) by NeMo's own model class: the only importer of NeMo's speaker models.

A `.nemo` file is a tar of a YAML configuration and a pickled state dict. NeMo restricts the pickle to weights only by
torch's default, which an environment variable can turn off; here it is always requested. NeMo's own list limits the
classes that the configuration may build; any model but a speaker encoder is refused unread.
"""

import logging
import tarfile
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import yaml

from mimidiar.encoders.protocol import EncoderSpec
from mimidiar.encoders.speaker.spec import checked_windowing, named_file, speaker_spec
from mimidiar.encoders.speaker.windowing import SAMPLE_RATE
from mimidiar.errors import MimidiarError
from mimidiar.hub import fetch_file
from mimidiar.nemo_import import importing_nemo, quiet

if TYPE_CHECKING:
    import torch

DIM = 192
CONFIG, WEIGHTS = "model_config.yaml", "model_weights.ckpt"
MODEL_CLASS = "EncDecSpeakerLabelModel"
REPO, FILE = "nvidia/speakerverification_en_titanet_large", "speakerverification_en_titanet_large.nemo"
VARIABLE = "TITANET_CHECKPOINT"
REMEDY = f"download it on a machine with a network and name it by --checkpoint or {VARIABLE}, or use --encoder campplus"


def titanet(name: str, tap: str | None, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """TitaNet-L, from `checkpoint` (.nemo), else the environment's TITANET_CHECKPOINT, else the hub (once)."""
    windowing = checked_windowing(tap, name)
    path = named_file(checkpoint, VARIABLE) or fetch_file(REPO, FILE, "100 MB", REMEDY)
    return speaker_spec(name, windowing, path, DIM, Titanet, (".nemo",), VARIABLE)


class Titanet:
    """Windows (N, T) of one length at 16 kHz -> embeddings (N, 192), each as NeMo's `get_embedding` of that window."""

    sample_rate, dim = SAMPLE_RATE, DIM

    def __init__(self, path: Path, device: Any = "cpu"):
        self.model = load_titanet(path, device)

    def __call__(self, windows: "torch.Tensor") -> "torch.Tensor":
        import torch

        with torch.inference_mode():
            lengths = torch.full((len(windows),), windows.shape[1], device=windows.device)
            return self.model(input_signal=windows, input_signal_length=lengths)[1]


def load_titanet(path: Path, device: Any = "cpu") -> "torch.nn.Module":
    """NeMo's model from a `.nemo` file, ready to embed. Importing NeMo takes 20 s.

    Raises MimidiarError when the file is damaged, is of another model, or its weights hold more than weights.
    """
    import torch
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    check_config(path)
    model_class, connector = _nemo()
    try:
        with quiet():
            model = model_class.restore_from(
                str(path), map_location=torch.device(device), strict=True, save_restore_connector=connector()
            )
    except UnpicklingError as error:
        raise MimidiarError(
            f"{path}: {WEIGHTS} holds more than weights and is not loaded, since it could run code "
            f"({str(error).strip().splitlines()[0]}); fetch the file anew from its publisher"
        ) from None
    except (RuntimeError, LookupError, EOFError) as error:
        raise MimidiarError(f"{path}: its weights do not fit its configuration ({_first_line(error)})") from None
    except (ValueError, TypeError, AttributeError, HydraException, OmegaConfBaseException) as error:
        raise MimidiarError(f"{path}: NeMo cannot build what its {CONFIG} describes ({_first_line(error)})") from None
    if not isinstance(model, model_class):
        raise MimidiarError(f"{path}: NeMo made a {type(model).__name__} of it, expected {MODEL_CLASS}")
    return model.eval().requires_grad_(False)


def check_config(path: Path) -> None:
    """Read a `.nemo` file's configuration, without NeMo. Raises MimidiarError unless it is a 16 kHz, 192-d speaker
    encoder."""
    config = _read_config(path)
    target = str(config.get("target", MODEL_CLASS)).rsplit(".", 1)[-1]
    rate = _number(config, "preprocessor", "sample_rate", SAMPLE_RATE)
    dim = _number(config, "decoder", "emb_sizes", DIM)
    if (target, rate, dim) != (MODEL_CLASS, SAMPLE_RATE, DIM):
        raise MimidiarError(
            f"{path}: holds a {target} for {rate} Hz with {dim} dimensions, expected {MODEL_CLASS} for {SAMPLE_RATE} "
            f"Hz with {DIM}; name the .nemo file of a TitaNet"
        )


def _read_config(path: Path) -> dict[str, Any]:
    try:
        with tarfile.open(path) as tar:
            members = {Path(member.name).name: member for member in tar.getmembers() if member.isfile()}
            missing = [name for name in (CONFIG, WEIGHTS) if name not in members]
            config = {} if missing else yaml.safe_load(tar.extractfile(members[CONFIG]))
    except (tarfile.TarError, EOFError, OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise MimidiarError(f"{path}: not a whole .nemo file ({_first_line(error)}); fetch it again") from None
    if missing:
        raise MimidiarError(f"{path}: not a .nemo file: it has no {' and no '.join(missing)}; fetch it again")
    if not isinstance(config, dict):
        raise MimidiarError(f"{path}: its {CONFIG} is no mapping; fetch it again")
    return config


def _number(config: dict[str, Any], section: str, key: str, default: int) -> int:
    """A number of the configuration, or the last of a list; the default where it is a reference."""
    part = config.get(section)
    value = part.get(key) if isinstance(part, dict) else None
    value = value[-1] if isinstance(value, list) and value else value
    return value if isinstance(value, int) else default


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


@cache
def _nemo() -> tuple[type, type]:
    """NeMo's model class, and a reader of `.nemo` files that takes nothing but weights from the pickle."""
    import torch

    with importing_nemo(logging.CRITICAL):
        from nemo.collections.asr.models import EncDecSpeakerLabelModel
        from nemo.core.connectors.save_restore_connector import SaveRestoreConnector

    class WeightsOnlyConnector(SaveRestoreConnector):
        @staticmethod
        def _load_state_dict_from_disk(model_weights: str, map_location: Any = "cpu") -> Any:
            return torch.load(model_weights, map_location=map_location, weights_only=True)

    return EncDecSpeakerLabelModel, WeightsOnlyConnector
