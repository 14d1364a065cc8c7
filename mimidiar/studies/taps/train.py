"""Training of the probes of all taps: on utterances, or on windows of conversations in which one speaker is alone."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import trange

from mimidiar.annotation.rttm import read_rttm
from mimidiar.config import Checked, Count, Positive
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json
from mimidiar.studies.taps.classifier import TapClassifier, save_classifier
from mimidiar.studies.taps.pooled_store import PooledTaps, utterances_in
from mimidiar.studies.taps.probes import MIX
from mimidiar.studies.taps.windows import who_is_alone, window_shares
from mimidiar.torch_setup import pick_device, use_one_thread

Examples = tuple[np.ndarray, list[str]]  # vectors (N, taps, D) and the speaker of each


@dataclass
class TapProbeConfig(Checked):
    """`conf/train.yaml` of the recipes taps; as the corrected linear probe (Exp 1.5)."""

    learning_rate: Positive = 1e-3
    mix_learning_rate: Positive = 0.03  # of the weights of the layers: few numbers, which have far to go
    weight_decay: float = 1e-3  # of the linear layers
    batch_size: Count = 256
    epochs: Count = 100


def train_tap_probes(
    config: TapProbeConfig, data_dir: Path, pooled_dir: Path, out_dir: Path, seed: int, device: str = "cpu"
) -> None:
    """Cross-entropy over the speakers of a set, for each tap by itself; writes model.safetensors and train.json.

    train.json tells accuracy by tap and what the weighted sum makes of the layers.
    """
    use_one_thread()
    torch.manual_seed(seed)
    place, pooled = pick_device(device), PooledTaps(pooled_dir)
    find = examples_of_windows if pooled.pooling.window_sec else examples_of_utterances
    vectors, who = find(data_dir, pooled)
    names = sorted(set(who))
    if len(names) < 2:
        raise MimidiarError(f"{data_dir}: {len(names)} speaker to train on; a probe needs at least 2")
    inputs = torch.from_numpy(vectors)
    labels = torch.tensor([names.index(name) for name in who])
    model = TapClassifier(pooled.taps, vectors.shape[2], names)
    model.features.set_statistics(inputs.mean(0), inputs.std(0))
    accuracy = _fit(model.to(place), inputs, labels, config)
    save_classifier(model, out_dir / "model.safetensors")
    report = {"speakers": len(names), "examples": len(who), "config": asdict(config), "seed": seed}
    probes = [*pooled.taps, *([MIX] if model.layers else [])]
    report["train_accuracy"] = dict(zip(probes, accuracy, strict=True))
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
        shares, speakers = window_shares(turns.get(recording, []), len(own), pooled.pooling)
        alone = who_is_alone(shares)
        vectors.append(own[alone >= 0])
        who += [speakers[number] for number in alone[alone >= 0]]
    if not who:
        raise MimidiarError(
            f"{data_dir}: no window with one speaker alone in {len(vectors)} recordings; take shorter ones"
        )
    return np.concatenate(vectors), who


def _fit(model: TapClassifier, inputs: torch.Tensor, labels: torch.Tensor, config: TapProbeConfig) -> list[float]:
    """Train in place; the share of the examples that each probe then names rightly."""
    place = model.weight.device
    layers = [value for name, value in model.named_parameters() if name != "mix"]
    groups = [
        {"params": layers, "lr": config.learning_rate, "weight_decay": config.weight_decay},
        {"params": [model.mix], "lr": config.mix_learning_rate},
    ]
    optimizer = torch.optim.Adam(groups)
    for _ in (progress := trange(config.epochs, desc="probes", unit="epoch", disable=None)):
        total = 0.0
        for rows in torch.randperm(len(labels)).split(config.batch_size):
            logits = model(inputs[rows].to(place))
            # A sum over the probes: none is trained the slower for there being more of them.
            loss = sum(F.cross_entropy(own, labels[rows].to(place)) for own in logits.unbind(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        progress.set_postfix(loss=f"{total / len(labels) / logits.shape[1]:.3f}")
    with torch.no_grad():
        guesses = torch.cat([model(part.to(place)).argmax(-1).cpu() for part in inputs.split(config.batch_size)])
    return (guesses == labels[:, None]).float().mean(0).tolist()
