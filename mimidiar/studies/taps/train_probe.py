"""Training of the linear speaker probe (Exp 1.5)."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional as F
from tqdm import trange

from mimidiar.config import Checked, Count, Positive
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json
from mimidiar.studies.taps.linear_probe import Probe, save_probe
from mimidiar.studies.taps.trial_scores import pool_utterances
from mimidiar.torch_setup import use_one_thread


@dataclass
class ProbeConfig(Checked):
    """`conf/train.yaml` of the probe recipes; the defaults are the ancestor's."""

    pooling: str = "all"  # all | speech
    normalize: bool = False  # every dimension by mean and deviation of the training utterances
    learning_rate: Positive = 1e-3
    weight_decay: float = 0.0
    batch_size: Count = 256
    epochs: Count = 100


def train_probe(config: ProbeConfig, data_dir: Path, feats_dir: Path, out_dir: Path, seed: int) -> None:
    """Cross-entropy over the speakers of a set, with Adam; writes model.safetensors and train.json (accuracy, ...)."""
    use_one_thread()
    torch.manual_seed(seed)
    embeddings = pool_utterances(data_dir, feats_dir, config.pooling)
    names = sorted(set(embeddings.speakers.values()))
    if len(names) < 2:
        raise MimidiarError(f"{data_dir}: {len(names)} speaker; a probe needs at least 2")
    pooled = torch.from_numpy(embeddings.matrix).float()
    labels = torch.tensor([names.index(embeddings.speakers[utterance]) for utterance in embeddings.vectors])
    probe = Probe(pooled.shape[1], len(names), config.pooling)
    if config.normalize:
        probe.features.set_statistics(pooled.mean(0), pooled.std(0))
    loss = _fit(probe, pooled, labels, config)
    accuracy = (probe(pooled).argmax(-1) == labels).float().mean().item()
    save_probe(probe, out_dir / "model.safetensors")
    report = {"speakers": len(names), "utterances": len(labels), "train_accuracy": accuracy, "final_loss": loss}
    write_json(out_dir / "train.json", report | {"config": asdict(config), "seed": seed})


def _fit(probe: Probe, pooled: torch.Tensor, labels: torch.Tensor, config: ProbeConfig) -> float:
    """Train in place; the last epoch's mean loss."""
    optimizer = torch.optim.Adam(probe.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    for _ in (progress := trange(config.epochs, desc="probe", unit="epoch", disable=None)):
        total = 0.0
        for rows in torch.randperm(len(labels)).split(config.batch_size):
            loss = F.cross_entropy(probe(pooled[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        progress.set_postfix(loss=f"{total / len(labels):.3f}")
    return total / len(labels)
