"""Made-up diarizers for tests, on the log-mel spectrum, which needs no weights, and sounds whose answer is known.

The model says of every frame that its first channel speaks: what silences it is that nobody is heard. Voices are the
spectrum less what silence has, so that two tones are two of them. Speech is what is loud (`hear_what_is_loud`).
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from mimidiar.diarize.binarize import Binarization
from mimidiar.diarize.clustering import Clustering
from mimidiar.encoders.logmel import BANDS, FLOOR
from mimidiar.encoders.registry import describe_encoder
from mimidiar.encoders.vad import CONTEXT, STEP
from mimidiar.evaluation.bundle import Files, bundle
from mimidiar.evaluation.tuned import Tuned, write_tuned
from mimidiar.models.adapter import Adapter, AdapterConfig
from mimidiar.models.build import build_model, model_header
from mimidiar.studies.taps.train import Probe, save_probe
from mimidiar.weight_files import save_weights

RATE = 16000
LOUD = 0.02
TUNED_ON = "made-up-dev"


def write_parts(folder: Path) -> dict[str, Path]:
    """Model, probe, linking and decision, each in its file."""
    config = AdapterConfig(2 * BANDS, 16, 1, 2, 32, 0.0)
    torch.manual_seed(0)
    model = build_model(config)
    assert isinstance(model, Adapter)
    torch.nn.init.zeros_(model.output.weight)
    model.output.bias.data = torch.tensor([4.0, -4.0, -4.0, -4.0])
    parts = {
        name: folder / name
        for name in ("model.safetensors", "probe.safetensors", "clustering.yaml", "binarization.yaml")
    }
    spec = describe_encoder("logmel")
    save_weights(model, parts["model.safetensors"], model_header(config, spec.frame_hz, 4.0, spec.meta()))
    probe = Probe(BANDS, BANDS, "all")
    torch.nn.init.eye_(probe.linear.weight)
    probe.features.set_statistics(torch.full((BANDS,), float(np.log(FLOOR))), torch.ones(BANDS))
    save_probe(probe, parts["probe.safetensors"])
    clustering = Clustering(0.65, 0.2, min_speaker_sec=1.0)
    write_tuned(Tuned(clustering, TUNED_ON, ("a",), {"frame_der": 20.0}), parts["clustering.yaml"])
    write_tuned(Tuned(Binarization(0.6, 1), TUNED_ON, ("a",), {"frame_der": 20.0}), parts["binarization.yaml"])
    return parts


def write_diarizer(folder: Path, half: bool = False) -> Path:
    """A diarizer file of these parts, with windows of 4 s."""
    path = folder / "diarizer.safetensors"
    bundle(files_of(write_parts(folder)), path, speech_margin_sec=0.0, half=half)
    return path


def files_of(parts: dict[str, Path]) -> Files:
    """The parts as a bundle takes them."""
    return Files(
        *(parts[name] for name in ("model.safetensors", "binarization.yaml", "clustering.yaml", "probe.safetensors"))
    )


def hear_what_is_loud(monkeypatch: pytest.MonkeyPatch, level: float = LOUD) -> None:
    """In place of silero-vad's network: somebody speaks in steps of 32 ms that are loud."""

    def network(audio: torch.Tensor, memory: None) -> tuple[torch.Tensor, None]:
        return (audio[:, CONTEXT:].unflatten(1, (-1, STEP)).square().mean(-1).sqrt() > level).float(), None

    monkeypatch.setattr("mimidiar.encoders.vad.load_silero_vad", lambda: network)


def tones(*parts: tuple[float, float], rate: int = RATE) -> np.ndarray:
    """(hertz, seconds) one after the other, float32 (T,); 0 Hz is silence."""
    signal = []
    for hertz, seconds in parts:
        time = np.arange(round(seconds * rate)) / rate
        signal.append(0.2 * np.sin(2 * np.pi * hertz * time) if hertz else 0 * time)
    return np.concatenate(signal).astype(np.float32)
