"""The typed configuration of a small Mimi's training."""

from dataclasses import dataclass, field

from mimidiar.encoders.mimi.sizes import FRAME_SAMPLES, LATENT_HZ
from mimidiar.errors import MimidiarError
from mimidiar.training.schedule import PRECISIONS


@dataclass
class DistillationConfig:
    """The latent's mean over a crop tells, through one linear layer, the utterance's speaker embedding."""

    weight: float = 1.0  # of 1 - cosine


@dataclass
class CodecConfig:
    """`conf/train.yaml` of the codec recipe."""

    crop_sec: float = 0.96  # whole latent frames of 80 ms
    crops_per_epoch: int = 6400
    batch_size: int = 32  # of all processes together
    watched_share: float = 0.05  # of the training speakers, whose crops choose the epoch that is kept
    watched_crops: int = 256
    epochs: int = 40
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    clip_norm: float = 1.0
    precision: str = "32-true"  # | bf16-mixed | 16-mixed (CUDA alone)
    level_dbfs: list[float] = field(default_factory=lambda: [-40.0, -15.0])  # of a crop, from ... to
    overlap_rate: float = 0.15  # of crops that another speaker talks in
    skip_rate: float = 0.5  # of crops that pass by the codebooks
    quantizer_dropout: bool = True  # a random number of codebooks in each step
    mel_windows: list[int] = field(default_factory=lambda: [2048, 1024, 512, 256, 128])  # samples at 24 kHz
    mel_weight: float = 1.0
    waveform_weight: float = 0.1
    commitment_weight: float = 0.25
    distillation: DistillationConfig | None = None

    def check(self, source: str) -> None:
        """Raise MimidiarError naming the key, the value and what is possible."""
        sizes = ("crop_sec", "crops_per_epoch", "batch_size", "watched_crops", "epochs")
        for key in (*sizes, "learning_rate", "clip_norm", "mel_weight"):
            if getattr(self, key) <= 0:
                raise MimidiarError(f"{source}: {key} is {getattr(self, key)}; it must be above 0")
        for key in ("weight_decay", "warmup_steps", "waveform_weight", "commitment_weight"):
            if getattr(self, key) < 0:
                raise MimidiarError(f"{source}: {key} is {getattr(self, key)}; 0 or above")
        for key in ("overlap_rate", "skip_rate"):
            if not 0 <= getattr(self, key) <= 1:
                raise MimidiarError(f"{source}: {key} is {getattr(self, key)}; it must lie in 0 ... 1")
        if not 0 < self.watched_share < 1:
            raise MimidiarError(f"{source}: watched_share is {self.watched_share}; between 0 and 1")
        if self.distillation and self.distillation.weight <= 0:
            raise MimidiarError(f"{source}: distillation.weight is {self.distillation.weight}; it must be above 0")
        if self.precision not in PRECISIONS:
            raise MimidiarError(f"{source}: precision is '{self.precision}'; choose {', '.join(PRECISIONS)}")
        self._check_crops(source)

    def _check_crops(self, source: str) -> None:
        frames = self.crop_sec * LATENT_HZ
        if abs(frames - round(frames)) > 1e-6:
            raise MimidiarError(f"{source}: crop_sec is {self.crop_sec}; it must be whole frames of {1 / LATENT_HZ} s")
        for key in ("crops_per_epoch", "watched_crops"):
            if getattr(self, key) % self.batch_size:
                text = (
                    f"{source}: {key} is {getattr(self, key)}; it must be a multiple of batch_size, {self.batch_size}"
                )
                raise MimidiarError(text)
        low, high = self.level_dbfs if len(self.level_dbfs) == 2 else (0, -1)
        if not low <= high <= 0:
            raise MimidiarError(f"{source}: level_dbfs is {self.level_dbfs}; give [from, to], at most 0 dB")
        if odd := [size for size in self.mel_windows if size < 64 or size & (size - 1)]:
            raise MimidiarError(f"{source}: mel_windows has {odd[0]}; powers of 2 from 64 on")
        if not self.mel_windows or max(self.mel_windows) > self.crop_samples:
            raise MimidiarError(f"{source}: mel_windows is {self.mel_windows}; one or more, none longer than a crop")

    def check_processes(self, source: str, processes: int) -> None:
        """Raise MimidiarError unless they can share a batch."""
        if self.batch_size % processes:
            raise MimidiarError(
                f"{source}: batch_size is {self.batch_size}, which {processes} processes cannot share equally; make it "
                f"a multiple of {processes}, or take another number of processes"
            )

    @property
    def crop_samples(self) -> int:
        return round(self.crop_sec * LATENT_HZ) * FRAME_SAMPLES
