"""Training a small Mimi: reconstruction through few codes; optionally, distillation of speaker embeddings into its
latent.

Défossez et al. 2024, "Moshi: a speech-text foundation model for real-time dialogue", section 3.3, without its
adversaries and with log-mel spectra in their place, which a CPU can afford; with distillation of a speaker encoder, not
of a semantic one. model.safetensors contains only the codec, in moshi's layout.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import torch
import torchaudio
from torch import Tensor, nn

from mimidiar.data.utterances_manifest import read_source
from mimidiar.encoders.mimi.autoencode import (
    Autoencoded,
    autoencode,
    balance,
    begin_epoch,
    begin_training,
    settled_state,
)
from mimidiar.encoders.mimi.sizes import MINI, SAMPLE_RATE, CodecSize
from mimidiar.encoders.mimi.tap import load_mimi, untrained_mimi
from mimidiar.errors import MimidiarError
from mimidiar.files import read_json, sha256_file, write_json
from mimidiar.studies.codec_training.config import CodecConfig
from mimidiar.studies.codec_training.data import (
    CodecBatch,
    CodecCrops,
    Targets,
    collate_crops,
    read_all,
    split_speakers,
)
from mimidiar.torch_setup import keep_freed_memory
from mimidiar.training.batches import Draw, EpochDraws, Loader
from mimidiar.training.config import learning_rate_factor
from mimidiar.training.losses import in_float32
from mimidiar.training.processes import Machine, per_process, rank
from mimidiar.training.trainer import FINISHED, KeepBest, begin, finish, fit_from_last, keep_configuration, make_trainer
from mimidiar.weight_files import read_weight_file, save_tensors

FORMAT = "mimidiar-codec-1"
PRECISIONS = {"fp16": torch.float16, "fp32": torch.float32}
HOP_SHARE = 2  # windows overlap by half: with hops of a quarter, a step takes a sixth longer
BINS_PER_BAND = 8
FLOOR = 1e-4  # -80 dB of a sine at full scale: levels below need not be reproduced


def train_codec(
    config: CodecConfig,
    data_dir: Path,
    folder: Path,
    seed: int,
    machine: Machine = Machine(),  # noqa: B008 (frozen)
    targets_dir: Path | None = None,
    start_from: Path | None = None,
) -> None:
    """Train a Mimi of the small size on the utterances of a set into a model folder, from the weights of `mimi-random`.

    `targets_dir`: features of a speaker encoder, required by `config.distillation`. `start_from`: the weights of a
    codec that was trained or exported here, in place of those of `mimi-random`; its codebooks are kept. A share of the
    speakers is the validation set: its loss chooses the epoch that is kept.

    The folder gets the files of an adapter's run (`training.fit.train`), with model.safetensors in moshi's layout.
    Killed at any time and called again, it continues from the last complete epoch and ends in the weights of an
    undisturbed run (on CPU). Raises MimidiarError for a set that cannot be read or has no such features, for initial
    weights of another kind, for a folder begun with another configuration, start or seed, and when the validation loss
    is no number.
    """
    if (config.distillation is None) != (targets_dir is None):
        raise MimidiarError("distillation needs both: --targets FEATS, and `distillation` in the configuration")
    machine = begin(machine, config.precision, seed)
    keep_freed_memory()
    start_sha256 = sha256_of_codec(start_from) if start_from else None
    train_crops, validation_crops = _crops(config, data_dir, targets_dir, seed)
    _keep_start(start_sha256, folder)
    keep_configuration(config, seed, folder)
    if (folder / FINISHED).exists():
        return
    header = {"format": FORMAT, "size": asdict(MINI), "config": asdict(config), "seed": seed}
    header |= {"started_from": start_sha256} if start_sha256 else {}
    keep_best = KeepBest(folder, header)
    batches = _loader(train_crops, EpochDraws(config.crops_per_epoch), config, machine)
    validation = _loader(validation_crops, [Draw(0, index) for index in range(config.watched_crops)], config, machine)
    task = CodecTask(_new(start_from, seed), config, len(batches) * config.epochs, train_crops.targets.dim, seed)
    fit_from_last(make_trainer(config, seed, keep_best, machine), task, batches, validation, folder)
    finish(keep_best)


def sha256_of_codec(path: Path) -> str:
    """The hash of a codec's initial weights. MimidiarError for another kind of file, or another size."""
    _, header = read_weight_file(path, FORMAT, framework="pt")
    if (found := header.get("size")) != asdict(MINI):
        raise MimidiarError(f"{path}: a codec of the size {found}; training here needs {asdict(MINI)}")
    return sha256_file(path)


def _keep_start(sha256: str | None, folder: Path) -> None:
    """Write start.json, for initial weights other than those of `mimi-random`, or refuse to continue."""
    if rank() > 0:
        return
    path = folder / "start.json"
    if sha256 and not (folder / "config.yaml").exists():
        write_json(path, {"sha256": sha256})
    found = read_json(path)["sha256"] if path.exists() else None
    if found != sha256:
        raise MimidiarError(
            f"{folder}: the run in this folder was begun from the weights {found or 'of mimi-random'}, now from "
            f"{sha256 or 'those of mimi-random'}; choose another folder"
        )


def _new(start_from: Path | None, seed: int) -> nn.Module:
    """A Mimi from scratch, balanced, or a trained one, unchanged."""
    if start_from is not None:
        return load_mimi(start_from, MINI)
    mimi = untrained_mimi(MINI, seed)
    balance(mimi)
    return mimi


def _crops(config: CodecConfig, data_dir: Path, targets_dir: Path | None, seed: int) -> tuple[CodecCrops, CodecCrops]:
    """Crops of the training and of the validation set."""
    audio, speakers = read_all(data_dir), read_source(data_dir)
    targets = Targets(targets_dir, [row for rows in speakers.values() for row in rows])
    parts = split_speakers(speakers, config.watched_share, seed)
    train, validation = (CodecCrops(audio, part, config, seed, targets) for part in parts)
    return train, validation


def _loader(crops: CodecCrops, draws: Any, config: CodecConfig, machine: Machine) -> Loader:
    pin = machine.device == "cuda"
    return Loader(crops, draws, config.batch_size, collate_crops, machine.num_workers, pin_memory=pin)


def export_codec(path: Path, out: Path, precision: str = "fp16") -> int:
    """Write the codec of a model folder's model.safetensors to `out` with numbers of `precision`; its size in bytes.

    The layout is the same, and the origin in the header; moshi's loader reads it into 32 bits. Raises MimidiarError for
    a file that `train_codec` did not write.
    """
    _, header = read_weight_file(path, FORMAT, framework="pt")
    state = settled_state(load_mimi(path, CodecSize(**header["size"])))
    tensors = {name: value.to(PRECISIONS[precision]) for name, value in state.items()}
    save_tensors(tensors, out, header | {"precision": precision})
    return out.stat().st_size


class Losses(NamedTuple):
    """The terms of a batch's loss before weighting; scalars."""

    mel: Tensor
    waveform: Tensor
    commitment: Tensor
    distillation: Tensor

    def total(self, config: CodecConfig) -> Tensor:
        weights = config.mel_weight, config.waveform_weight, config.commitment_weight
        weights += (config.distillation.weight if config.distillation else 0.0,)
        return sum(weight * loss for weight, loss in zip(weights, self, strict=True))


class CodecTask(L.LightningModule):
    """Trains `model`, a whole Mimi; `speaker`, the layer that predicts the embedding, serves training alone.

    Several processes have equal shares of a batch, so that the mean of their means is the mean of the whole batch.
    """

    def __init__(self, model: nn.Module, config: CodecConfig, total_steps: int, targets_dim: int, seed: int):
        super().__init__()
        self.model, self.config, self.total_steps, self.seed = model, config, total_steps, seed
        begin_training(model, config.skip_rate, config.quantizer_dropout)
        self.mel = MelLoss(config.mel_windows, SAMPLE_RATE)
        self.speaker = nn.Linear(model.dimension, targets_dim) if config.distillation else None

    def on_train_epoch_start(self) -> None:
        begin_epoch(self.model.quantizer, self.seed, self.current_epoch)

    def training_step(self, batch: CodecBatch, _: int) -> Tensor:
        passed = autoencode(self.model, batch.audio)
        losses = self.losses(passed, batch)
        loss = losses.total(self.config)
        self._log("train", loss, losses, batch)
        self._log_mean("train_code_entropy", passed.entropy, batch)
        return loss

    def validation_step(self, batch: CodecBatch, _: int) -> None:
        """With all codebooks, and, for comparison, without them."""
        losses = self.losses(autoencode(self.model, batch.audio), batch)
        self._log("val", losses.total(self.config), losses, batch)
        around = self.losses(autoencode(self.model, batch.audio, quantized=False), batch)
        self._log_mean("val_unquantized_mel_loss", around.mel, batch)

    def losses(self, passed: Autoencoded, batch: CodecBatch) -> Losses:
        audio, wanted = passed.audio[:, 0], batch.audio[:, 0]
        mel, waveform = self.mel(audio, wanted).mean(), waveform_loss(audio, wanted).mean()
        distillation = mel.new_zeros(())
        if self.speaker is not None:
            known = per_process((batch.targets.norm(dim=1) > 0).sum())
            guess = self.speaker(passed.latent.mean(2))
            distillation = distillation_loss(guess, batch.targets, known)
        return Losses(mel, waveform, passed.commitment, distillation)

    def _log(self, kind: str, loss: Tensor, losses: Losses, batch: CodecBatch) -> None:
        self._log_mean(f"{kind}_loss", loss, batch, prog_bar=True)
        self._log_mean(f"{kind}_mel_loss", losses.mel, batch)
        self._log_mean(f"{kind}_waveform_loss", losses.waveform, batch)
        if kind == "train":
            self._log_mean("train_commitment_loss", losses.commitment, batch)
        if self.speaker is not None:
            self._log_mean(f"{kind}_distillation_loss", losses.distillation, batch, prog_bar=True)

    def _log_mean(self, name: str, value: Tensor, batch: CodecBatch, prog_bar: bool = False) -> None:
        """The mean over an epoch and all processes."""
        self.log(name, per_process(value), prog_bar, on_step=False, on_epoch=True, batch_size=len(batch.audio))

    def configure_optimizers(self) -> dict:
        config = self.config
        parameters = [value for value in self.parameters() if value.requires_grad]
        fused = config.precision == "32-true"  # otherwise Lightning clips no gradients of a fused optimizer
        optimizer = torch.optim.AdamW(parameters, config.learning_rate, weight_decay=config.weight_decay, fused=fused)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(step, config.warmup_steps, self.total_steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class MelLoss(nn.Module):
    """Mean absolute difference of log-mel magnitudes over windows of several lengths (Yamamoto et al. 2020, the idea;
    Kumar et al. 2023, section 3.4, the lengths): short windows resolve time, long ones frequency.
    """

    def __init__(self, windows: Sequence[int], sample_rate: int):
        super().__init__()
        self.windows = list(windows)
        for size in self.windows:
            window = torch.hann_window(size)
            bands = torchaudio.functional.melscale_fbanks(
                size // 2 + 1, 0.0, sample_rate / 2, size // 2 // BINS_PER_BAND, sample_rate
            )
            self.register_buffer(f"window_{size}", window * 2 / window.sum(), persistent=False)
            self.register_buffer(f"bands_{size}", bands, persistent=False)

    def spectrum(self, audio: Tensor, size: int) -> Tensor:
        """(B, T) -> natural logarithm of the magnitudes in mel bands (B, frames, bands)."""
        frames = audio.unfold(-1, size, size // HOP_SHARE) * self.get_buffer(f"window_{size}")
        return (torch.fft.rfft(frames).abs() @ self.get_buffer(f"bands_{size}") + FLOOR).log()

    def forward(self, audio: Tensor, wanted: Tensor) -> Tensor:
        """Both (B, T) -> (B,)."""
        return in_float32(self._distance)(audio, wanted)

    def _distance(self, audio: Tensor, wanted: Tensor) -> Tensor:
        found = torch.zeros(len(audio), device=audio.device)
        for size in self.windows:
            with torch.no_grad():
                target = self.spectrum(wanted, size)
            found = found + (self.spectrum(audio, size) - target).abs().mean((1, 2))
        return found / len(self.windows)


@in_float32
def waveform_loss(audio: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference over the mean magnitude of the target; both (B, T) -> (B,)."""
    return (audio - wanted).abs().mean(1) / wanted.abs().mean(1).clamp(min=FLOOR)


@in_float32
def distillation_loss(guess: Tensor, target: Tensor, count: Tensor | None = None) -> Tensor:
    """1 - cosine, the mean over the rows with a target other than 0; both (B, D). 0 where no row has one.

    `count`: the divisor of the sum, where the rows are a share of a batch.
    """
    known = target.norm(dim=1) > 0
    cosine = nn.functional.cosine_similarity(guess[known], target[known])
    return (1 - cosine).sum() / (known.sum() if count is None else count).clamp(min=1e-6)
