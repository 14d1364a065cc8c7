"""Seeded weights of both speaker encoders, of full size, in the form that their loaders read."""

from pathlib import Path

import torch
from torch import nn

from mimidiar.encoders.speaker.campplus_model import CamPlusPlus

# The configuration that NVIDIA published for TitaNet-L (Koluguri et al. 2022): prolog, three mega blocks, epilog.
TITANET_BLOCKS = (
    (1024, 1, 3, False),
    (1024, 3, 7, True),
    (1024, 3, 11, True),
    (1024, 3, 15, True),
    (3072, 1, 1, False),
)


def seeded_campplus(seed: int = 0) -> CamPlusPlus:
    """CAM++ with weights drawn from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CamPlusPlus().eval()
        disturb(model)
    return model


def disturb(model: nn.Module) -> None:
    """Draw weights that keep the signal's size (He et al. 2015), and give normalisations means, variances and scales of
    their own: as torch makes them they would hide errors."""
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.1)


def titanet_config(speakers: int = 10) -> dict:
    """TitaNet-L's configuration, but for the number of training speakers, which the embedding does not see."""
    blocks = [
        {
            "filters": filters,
            "repeat": repeat,
            "kernel": [kernel],
            "stride": [1],
            "dilation": [1],
            "dropout": 0.1 if residual else 0.0,
            "residual": residual,
            "separable": True,
            "se": True,
            "se_context_size": -1,
        }
        for filters, repeat, kernel, residual in TITANET_BLOCKS
    ]
    modules = "nemo.collections.asr.modules"
    return {
        "sample_rate": 16000,
        "train_ds": {"manifest_filepath": None, "sample_rate": 16000, "batch_size": 1},
        "preprocessor": {
            "_target_": f"{modules}.AudioToMelSpectrogramPreprocessor",
            "normalize": "per_feature",
            "window_size": 0.025,
            "window_stride": 0.01,
            "sample_rate": 16000,
            "window": "hann",
            "features": 80,
            "n_fft": 512,
            "frame_splicing": 1,
            "dither": 1e-5,
        },
        "encoder": {
            "_target_": f"{modules}.ConvASREncoder",
            "feat_in": 80,
            "activation": "relu",
            "conv_mask": True,
            "jasper": blocks,
        },
        "decoder": {
            "_target_": f"{modules}.SpeakerDecoder",
            "feat_in": 3072,
            "num_classes": speakers,
            "pool_mode": "attention",
            "emb_sizes": 192,
            "angular": True,
        },
        "loss": {"_target_": "nemo.collections.asr.losses.angularloss.AngularSoftmaxLoss", "scale": 30, "margin": 0.2},
        "optim": {"name": "sgd", "lr": 0.08},
    }


def save_titanet(path: Path, seed: int = 0) -> Path:
    """A `.nemo` file of TitaNet-L with weights drawn from `seed`, written by NeMo itself (importing it takes 20 s)."""
    from omegaconf import OmegaConf

    from mimidiar.encoders.speaker.titanet import _nemo

    model_class, _ = _nemo()
    config = titanet_config()
    del config["train_ds"]  # NeMo would open it; get_embedding wants its sample rate afterwards
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class(cfg=OmegaConf.create(config)).eval()
        disturb(model)
    OmegaConf.set_struct(model.cfg, False)
    model.cfg.train_ds = {"sample_rate": 16000}
    model.save_to(str(path))
    return path
