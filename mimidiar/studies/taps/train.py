"""Training of speaker probes: of one tap on utterances (Exp 1.5), and of all taps at once, on utterances or on windows
of conversations in which one speaker is alone.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import trange

from mimidiar.annotation.rttm import read_rttm
from mimidiar.config import Checked, Count, Positive
from mimidiar.encoders.normalization import FeatureNorm
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json
from mimidiar.models.projection import PROBE_FORMAT
from mimidiar.studies.taps.pooled_store import PooledTaps, utterances_in
from mimidiar.studies.taps.spaces import FORMAT, MIX, mixed_taps
from mimidiar.studies.taps.trial_scores import pool_utterances
from mimidiar.torch_setup import pick_device, use_one_thread
from mimidiar.weight_files import save_weights

ALONE = 0.8  # of a window that a speaker fills, alone, for an example of the speaker
Examples = tuple[np.ndarray, list[str]]  # vectors (N, taps, D) and the speaker of each


@dataclass
class ProbeConfig(Checked):
    """`conf/train.yaml` of the probe recipes; the defaults are those of the original study."""

    pooling: str = "all"  # all | speech
    normalize: bool = False  # every dimension by mean and deviation of the training utterances
    learning_rate: Positive = 1e-3
    weight_decay: float = 0.0
    batch_size: Count = 256
    epochs: Count = 100


@dataclass
class TapProbeConfig(Checked):
    """`conf/train.yaml` of the recipes taps; as the corrected linear probe (Exp 1.5)."""

    learning_rate: Positive = 1e-3
    mix_learning_rate: Positive = 0.03  # of the weights of the layers: few values with a long way to go
    weight_decay: float = 1e-3  # of the linear layers
    batch_size: Count = 256
    epochs: Count = 100


class Probe(nn.Module):
    """Linear(dim, speakers) on pooled features, normalized before if statistics are set.

    `pooling`: the frames over which features are averaged, a part of the probe like its weights. Trials are
    scored by the cosine of its outputs without the bias (`mimidiar.models.projection`), as in the original study.
    """

    def __init__(self, dim: int, num_speakers: int, pooling: str):
        super().__init__()
        self.pooling = pooling
        self.features = FeatureNorm(dim)
        self.linear = nn.Linear(dim, num_speakers)

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, dim) -> logits (B, speakers)."""
        return self.linear(self.features(pooled))


def save_probe(probe: Probe, path: str | Path) -> None:
    """Write the probe's weights, atomically."""
    speakers, dim = probe.linear.weight.shape
    save_weights(probe, path, {"format": PROBE_FORMAT, "dim": dim, "num_speakers": speakers, "pooling": probe.pooling})


class TapClassifier(nn.Module):
    """A linear layer to speakers for each tap, and one for the weighted sum of several layers."""

    def __init__(self, taps: Sequence[str], dim: int, speakers: Sequence[str]):
        super().__init__()
        self.taps, self.speakers = list(taps), list(speakers)
        self.layers = [self.taps.index(tap) for tap in mixed_taps(taps)]
        self.features = FeatureNorm((len(taps), dim))
        count, bound = len(speakers), 1 / math.sqrt(dim)  # the bound of nn.Linear
        self.weight = nn.Parameter(torch.empty(len(taps), count, dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(len(taps), count).uniform_(-bound, bound))
        self.mix = nn.Parameter(torch.zeros(len(self.layers)))
        own = count if self.layers else 0
        self.mix_weight = nn.Parameter(torch.empty(own, dim).uniform_(-bound, bound))
        self.mix_bias = nn.Parameter(torch.empty(own).uniform_(-bound, bound))

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, taps, D) -> logits (B, probes, speakers): of each tap, and last of the sum."""
        normal = self.features(pooled)
        logits = torch.einsum("btd,tsd->bts", normal, self.weight) + self.bias
        if not self.layers:
            return logits
        mixed = torch.einsum("l,bld->bd", self.mix.softmax(0), normal[:, self.layers])
        return torch.cat([logits, (mixed @ self.mix_weight.T + self.mix_bias)[:, None]], dim=1)


def save_classifier(model: TapClassifier, path: str | Path) -> None:
    """Write the probes, atomically."""
    save_weights(model, path, {"format": FORMAT, "taps": model.taps, "speakers": model.speakers})


def train_probe(config: ProbeConfig, data_dir: Path, feats_dir: Path, out_dir: Path, seed: int) -> None:
    """Cross-entropy over the speakers of a set, with Adam; writes model.safetensors and train.json (accuracy, ...)."""
    use_one_thread()
    torch.manual_seed(seed)
    embeddings = pool_utterances(data_dir, feats_dir, config.pooling)
    names, labels = _labels([embeddings.speakers[utterance] for utterance in embeddings.vectors], data_dir)
    pooled = torch.from_numpy(embeddings.matrix).float()
    probe = Probe(pooled.shape[1], len(names), config.pooling)
    if config.normalize:
        probe.features.set_statistics(pooled.mean(0), pooled.std(0))
    optimizer = torch.optim.Adam(probe.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    fitted = _fit(probe, pooled, labels, config, optimizer)
    save_probe(probe, out_dir / "model.safetensors")
    report = {"speakers": len(names), "utterances": len(labels)}
    report |= {"train_accuracy": fitted.accuracy[0], "final_loss": fitted.loss}
    write_json(out_dir / "train.json", report | {"config": asdict(config), "seed": seed})


def train_tap_probes(
    config: TapProbeConfig, data_dir: Path, pooled_dir: Path, out_dir: Path, seed: int, device: str = "cpu"
) -> None:
    """Cross-entropy over the speakers of a set, for each tap by itself; writes model.safetensors and train.json.

    train.json has the accuracy by tap and the weights of the layers in the sum.
    """
    use_one_thread()
    torch.manual_seed(seed)
    place, pooled = pick_device(device), PooledTaps(pooled_dir)
    find = examples_of_windows if pooled.pooling.window_sec else examples_of_utterances
    vectors, who = find(data_dir, pooled)
    names, labels = _labels(who, data_dir)
    inputs = torch.from_numpy(vectors)
    model = TapClassifier(pooled.taps, vectors.shape[2], names)
    model.features.set_statistics(inputs.mean(0), inputs.std(0))
    model = model.to(place)
    fitted = _fit(model, inputs, labels, config, _tap_optimizer(model, config))
    save_classifier(model, out_dir / "model.safetensors")
    report = {"speakers": len(names), "examples": len(who), "config": asdict(config), "seed": seed}
    probes = [*pooled.taps, *([MIX] if model.layers else [])]
    report["train_accuracy"] = dict(zip(probes, fitted.accuracy, strict=True))
    report["mix"] = dict(zip([pooled.taps[k] for k in model.layers], model.mix.softmax(0).tolist(), strict=True))
    write_json(out_dir / "train.json", report)


def examples_of_utterances(data_dir: Path, pooled: PooledTaps) -> Examples:
    """The pooled utterances of a set. MimidiarError where there are none."""
    rows = utterances_in(data_dir, pooled)
    return np.stack([pooled.read(row.recording)[0] for row in rows]), [row.speaker for row in rows]


def examples_of_windows(data_dir: Path, pooled: PooledTaps) -> Examples:
    """The windows of the pooled conversations in which one speaker is alone. MimidiarError where there is none."""
    turns = read_rttm(data_dir / "ref.rttm")
    vectors, who = [], []
    for recording in pooled.recordings:
        own = pooled.read(recording)
        shares, speakers = pooled.pooling.shares(turns.get(recording, []), len(own))
        alone = who_is_alone(shares)
        vectors.append(own[alone >= 0])
        who += [speakers[number] for number in alone[alone >= 0]]
    if not who:
        raise MimidiarError(
            f"{data_dir}: no window with one speaker alone in {len(vectors)} recordings; take shorter ones"
        )
    return np.concatenate(vectors), who


def who_is_alone(shares: np.ndarray) -> np.ndarray:
    """(windows,): the number of the one speaker of a window, -1 where there are none or several."""
    if not shares.shape[1]:
        return np.full(len(shares), -1)
    alone = (shares.max(1) >= ALONE) & ((shares > 0).sum(1) == 1)
    return np.where(alone, shares.argmax(1), -1)


def _labels(who: Sequence[str], data_dir: Path) -> tuple[list[str], Tensor]:
    """The speakers, and the number of each example's (N,). MimidiarError for a single one."""
    names = sorted(set(who))
    if len(names) < 2:
        raise MimidiarError(f"{data_dir}: {len(names)} speaker to train on; a probe needs at least 2")
    return names, torch.tensor([names.index(name) for name in who])


def _tap_optimizer(model: TapClassifier, config: TapProbeConfig) -> torch.optim.Optimizer:
    layers = [value for name, value in model.named_parameters() if name != "mix"]
    return torch.optim.Adam(
        [
            {"params": layers, "lr": config.learning_rate, "weight_decay": config.weight_decay},
            {"params": [model.mix], "lr": config.mix_learning_rate},
        ]
    )


class _Fitted(NamedTuple):
    """The last epoch's mean loss, and the accuracy of each probe."""

    loss: float
    accuracy: list[float]


def _fit(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    config: ProbeConfig | TapProbeConfig,
    optimizer: torch.optim.Optimizer,
) -> _Fitted:
    """Train in place. Logits are (B, speakers) of one probe, or (B, probes, speakers)."""
    place = next(model.parameters()).device

    def logits_of(rows: Tensor) -> Tensor:
        logits = model(rows.to(place))
        return logits[:, None] if logits.dim() == 2 else logits

    for _ in (progress := trange(config.epochs, desc="probes", unit="epoch", disable=None)):
        total = 0.0
        for rows in torch.randperm(len(labels)).split(config.batch_size):
            logits = logits_of(inputs[rows])
            # A sum over the probes, so that their number does not slow training.
            loss = sum(F.cross_entropy(own, labels[rows].to(place)) for own in logits.unbind(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        progress.set_postfix(loss=f"{total / len(labels) / logits.shape[1]:.3f}")
    with torch.no_grad():
        guesses = torch.cat([logits_of(part).argmax(-1).cpu() for part in inputs.split(config.batch_size)])
    return _Fitted(total / len(labels), (guesses == labels[:, None]).float().mean(0).tolist())
