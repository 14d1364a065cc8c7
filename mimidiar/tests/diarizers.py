"""Made-up diarizers for tests, on the log-mel spectrum, which needs no weights, and sounds whose answer is known.

The model says of every frame that its first channel speaks: what silences it is that nobody is heard. Voices are the
spectrum less what silence has, so that two tones are two of them. Speech is what is loud (`hear_what_is_loud`).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from mimidiar.diarize.binarize import Decision
from mimidiar.diarize.clustering import Linking
from mimidiar.diarize.diarizer_file import bundle
from mimidiar.encoders.logmel import BANDS, FLOOR
from mimidiar.encoders.registry import describe_encoder
from mimidiar.models.adapter import Adapter, AdapterConfig
from mimidiar.models.build import build_model, model_header
from mimidiar.models.weights import save_weights
from mimidiar.studies.taps.classifier import Probe, save_probe
from mimidiar.training.tune import Tuned, write_tuned
from mimidiar.training.tune_clustering import TunedLinking, write_linking

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
        name: folder / name for name in ("model.safetensors", "probe.safetensors", "linking.yaml", "decision.yaml")
    }
    spec = describe_encoder("logmel")
    save_weights(model, parts["model.safetensors"], model_header(config, spec.frame_hz, 4.0, spec.meta()))
    probe = Probe(BANDS, BANDS, "all")
    torch.nn.init.eye_(probe.linear.weight)
    probe.features.set_statistics(torch.full((BANDS,), float(np.log(FLOOR))), torch.ones(BANDS))
    save_probe(probe, parts["probe.safetensors"])
    linking = Linking(0.65, 0.2, min_speaker_sec=1.0)
    write_linking(TunedLinking(linking, TUNED_ON, ("a",), 20.0, 1.0), parts["linking.yaml"])
    write_tuned(Tuned(Decision(0.6, 1), TUNED_ON, ("a",), 20.0), parts["decision.yaml"])
    return parts


def write_diarizer(folder: Path, half: bool = False) -> Path:
    """A diarizer file of these parts, with windows of 4 s."""
    parts, path = write_parts(folder), folder / "diarizer.safetensors"
    bundle(
        parts["model.safetensors"],
        path,
        parts["linking.yaml"],
        parts["decision.yaml"],
        parts["probe.safetensors"],
        speech_margin_sec=0.0,
        half=half,
    )
    return path


def hear_what_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of silero-vad: seconds of 0.1 s steps that are loud."""

    def segments(utterances: Iterable[np.ndarray], batch_rows: int) -> Iterator[list[tuple[float, float]]]:
        for samples in utterances:
            steps = [samples[start : start + 1600] for start in range(0, len(samples), 1600)]
            loud = [k for k, step in enumerate(steps) if np.sqrt(np.mean(step**2)) > LOUD]
            yield [(0.1 * k, min(0.1 * (k + 1), len(samples) / RATE)) for k in loud]

    monkeypatch.setattr("mimidiar.encoders.vad.speech_segments", segments)


def tones(*parts: tuple[float, float], rate: int = RATE) -> np.ndarray:
    """(hertz, seconds) one after the other, float32 (T,); 0 Hz is silence."""
    signal = []
    for hertz, seconds in parts:
        time = np.arange(round(seconds * rate)) / rate
        signal.append(0.2 * np.sin(2 * np.pi * hertz * time) if hertz else 0 * time)
    return np.concatenate(signal).astype(np.float32)
