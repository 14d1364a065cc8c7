"""The typed configuration of a small Mimi's training."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from mimidiar.config import Checked, Count, Limit, NotNegative, Positive, Rule, Share, Steps, low_high, one_of
from mimidiar.encoders.mimi.sizes import FRAME_SAMPLES, LATENT_HZ
from mimidiar.training.config import PRECISIONS

Powers = Annotated[
    list[int],
    Limit(lambda sizes: bool(sizes) and all(n >= 64 and not n & (n - 1) for n in sizes), "powers of 2 from 64 on"),
]
InnerShare = Annotated[float, Limit(lambda share: 0 < share < 1, "above 0 and below 1")]


@dataclass
class DistillationConfig(Checked):
    """The latent's mean over a crop predicts, by one linear layer, the utterance's speaker embedding."""

    weight: Positive = 1.0  # of 1 - cosine


@dataclass
class CodecConfig(Checked):
    """`conf/train.yaml` of the codec recipe."""

    crop_sec: Positive = 0.96  # whole latent frames of 80 ms
    crops_per_epoch: Count = 6400
    batch_size: Count = 32  # of all processes together
    watched_share: InnerShare = 0.05  # of the training speakers, as validation set
    watched_crops: Count = 256
    epochs: Count = 40
    learning_rate: Positive = 1e-3
    weight_decay: NotNegative = 0.01
    warmup_steps: Steps = 100
    clip_norm: Positive = 1.0
    precision: one_of(PRECISIONS) = "32-true"  # | bf16-mixed | 16-mixed (CUDA alone)
    level_dbfs: low_high(float("-inf"), 0) = field(default_factory=lambda: [-40.0, -15.0])  # of a crop, from ... to
    overlap_rate: Share = 0.15  # of crops with a second speaker
    skip_rate: Share = 0.5  # of crops that bypass the codebooks
    quantizer_dropout: bool = True  # a random number of codebooks in each step
    mel_windows: Powers = field(default_factory=lambda: [2048, 1024, 512, 256, 128])  # samples at 24 kHz
    mel_weight: Positive = 1.0
    waveform_weight: NotNegative = 0.1
    commitment_weight: NotNegative = 0.25
    distillation: DistillationConfig | None = None

    def rules(self) -> Iterable[Rule]:
        """Rules that depend on the crop and the batch."""
        frames = self.crop_sec * LATENT_HZ
        yield "crop_sec", self.crop_sec, abs(frames - round(frames)) <= 1e-6, f"whole frames of {1 / LATENT_HZ} s"
        for key in ("crops_per_epoch", "watched_crops"):
            value, batch = getattr(self, key), self.batch_size
            yield key, value, value % batch == 0, f"a multiple of batch_size, {batch}"
        longest = max(self.mel_windows)
        yield "mel_windows", self.mel_windows, longest <= self.crop_samples, "none longer than a crop"

    @property
    def crop_samples(self) -> int:
        return round(self.crop_sec * LATENT_HZ) * FRAME_SAMPLES
