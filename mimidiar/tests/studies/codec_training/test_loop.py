"""Training a small Mimi: it learns, goes on where it was killed, and leaves weights that are read as any Mimi's."""

import json
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mimidiar.cli import cli
from mimidiar.config import load_config
from mimidiar.encoders.mimi.codebooks import halves
from mimidiar.encoders.mimi.sizes import MINI
from mimidiar.encoders.mimi.tap import load_mimi, untrained_mimi
from mimidiar.encoders.registry import load_encoder
from mimidiar.errors import MimidiarError
from mimidiar.features.store import META
from mimidiar.files import sha256_file, write_json
from mimidiar.studies.codec_training.config import CodecConfig
from mimidiar.studies.codec_training.loop import FORMAT, export_codec, train_codec
from mimidiar.tests.encoders.mimi.checkpoints import save_checkpoint
from mimidiar.tests.matrices import write_matrix_store
from mimidiar.tests.speech import speech
from mimidiar.tests.tones import write_tones
from mimidiar.tests.training.together import begin, wait
from mimidiar.training.config import check_shares
from mimidiar.training.processes import Machine
from mimidiar.weight_files import save_weights

EGS = Path(__file__).parents[4] / "egs"
SMALL = [
    "crop_sec=0.16",
    "batch_size=4",
    "crops_per_epoch=8",
    "watched_crops=4",
    "watched_share=0.25",
    "warmup_steps=2",
]
SMALL += ["mel_windows=[1024,256]", "level_dbfs=[-20,-20]"]
LEARNS = ["crops_per_epoch=32", "learning_rate=2e-3", "overlap_rate=0", "distillation.weight=1"]


def configured(*overrides: str) -> CodecConfig:
    config = load_config(CodecConfig, None, [*SMALL, *overrides])
    config.check("test")
    return config


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tones(tmp_path_factory.mktemp("tones") / "train", [0, 1, 2, 3], each=1)


@pytest.fixture(scope="module")
def voices(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of a made-up speaker encoder: an axis for each speaker."""
    folder = tmp_path_factory.mktemp("voices")
    names = sorted(path.stem for path in (data / "wav").iterdir())
    write_matrix_store(folder, "feats", [(name, np.eye(4, dtype=np.float32)[[k, k]]) for k, name in enumerate(names)])
    write_json(folder / META, {"frame_hz": 12.5, "dim": 4})
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, voices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder, after 32 steps with distillation."""
    folder = tmp_path_factory.mktemp("codec") / "model"
    train_codec(configured(*LEARNS, "epochs=4"), data, folder, 1, targets_dir=voices)
    return folder


def log(folder: Path) -> list[dict]:
    path = folder / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_it_learns_sound_and_speakers_and_keeps_the_best_epoch(trained: Path) -> None:
    lines = log(trained)
    losses = {name: [line[name] for line in lines] for name in lines[0]}
    assert losses["train_mel_loss"][-1] < 0.6 * losses["train_mel_loss"][0]
    assert losses["val_mel_loss"][-1] < 0.8 * losses["val_mel_loss"][0]
    assert losses["train_distillation_loss"][-1] < 0.5 * losses["train_distillation_loss"][0]
    assert 0.5 < losses["train_code_entropy"][-1] <= 1 and losses["train_commitment_loss"][-1] > 0
    best = json.loads((trained / "finished.json").read_text())
    assert best["best_loss"] == min(losses["val_loss"])


def test_its_weights_are_a_mimi_and_nothing_else(trained: Path) -> None:
    found, wanted = load_file(trained / "model.safetensors"), untrained_mimi(MINI, 1).state_dict()
    assert {name: value.shape for name, value in found.items()} == {name: v.shape for name, v in wanted.items()}
    assert sum(value.numel() for value in found.values()) <= 5.5e6
    changed = [name for name in found if name.endswith("weight") and not torch.equal(found[name], wanted[name])]
    assert len(changed) == sum(name.endswith("weight") for name in found)
    with safe_open(trained / "model.safetensors", "np") as stream:
        header = json.loads(stream.metadata()["mimidiar"])
    assert header["seed"] == 1 and header["config"]["epochs"] == 4


@torch.no_grad()
def with_frames_for_codes(path: Path, audio: torch.Tensor, out: Path) -> Path:
    """The codec of a file with the frames that it makes of `audio` (1, samples) in its codebooks: each is a code."""
    codec = load_mimi(path, MINI)
    latent = codec.encode_to_latent(audio[None], quantize=False)
    for half in halves(codec.quantizer):
        frames = half.input_proj(latent)[0].T
        for layer in half.vq.layers:  # what the first leaves over is nothing: one code
            codebook = layer._codebook
            codebook.embedding_sum.copy_(frames[torch.arange(codebook.codebook_size) % len(frames)])
            codebook.cluster_usage.fill_(1)
    return save_checkpoint(codec, out)


def test_it_is_read_as_an_encoder_at_all_taps(trained: Path, tmp_path: Path) -> None:
    """Its own codebooks may have one code for all frames after 32 steps; with others, each frame is told apart."""
    audio = torch.from_numpy(speech(2.0).copy())[None]
    filled = with_frames_for_codes(trained / "model.safetensors", audio, tmp_path / "filled.safetensors")
    for tap in ("latent", "quantized.8", "quantized.1"):
        for file, told_apart in ((trained / "model.safetensors", tap == "latent"), (filled, True)):
            features, _ = load_encoder("mimi-mini", tap, checkpoint=file).encode(audio, torch.tensor([audio.shape[1]]))
            assert features.shape == (1, 25, 256) and features.isfinite().all()
            assert not told_apart or len(features[0].unique(dim=0)) == 25


def test_exported_in_half_the_bytes_it_hears_the_same(trained: Path, tmp_path: Path) -> None:
    path, out = trained / "model.safetensors", tmp_path / "mini.safetensors"
    done = CliRunner().invoke(cli, ["codec", "export", str(path), str(out)])
    assert done.exit_code == 0 and "10.9 MB" in done.output
    assert out.stat().st_size < min(12e6, 0.51 * path.stat().st_size)
    assert {value.dtype for value in load_file(out).values()} == {torch.float16}
    audio = torch.from_numpy(speech(4.0).copy())[None]
    for tap in ("latent", "quantized.1"):
        encoders = [load_encoder("mimi-mini", tap, checkpoint=file) for file in (path, out)]
        assert {value.dtype for value in encoders[1].model.parameters()} == {torch.float32}
        before, after = (encoder.encode(audio, torch.tensor([audio.shape[1]]))[0] for encoder in encoders)
        same = (after - before).abs().amax(2) < 0.02 * before.std()
        assert same.float().mean() > (0.999 if tap == "latent" else 0.9)  # a code may change where two are as near


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "mini.safetensors"
    export_codec(trained / "model.safetensors", out)
    return out


@pytest.mark.parametrize("is_exported", [False, True])
def test_training_can_start_from_a_trained_codec(
    trained: Path, exported: Path, data: Path, tmp_path: Path, is_exported: bool
) -> None:
    """It begins where that one ended, with its codebooks, and is not balanced again."""
    first = exported if is_exported else trained / "model.safetensors"
    config = configured("epochs=1", "learning_rate=1e-6", "overlap_rate=0")
    train_codec(config, data, tmp_path / "m", 1, start_from=first)
    before, after = load_file(first), load_file(tmp_path / "m/model.safetensors")
    for name, value in before.items():
        if name.endswith("weight"):
            torch.testing.assert_close(after[name], value.float(), atol=1e-4, rtol=1e-3)
    (line,) = log(tmp_path / "m")
    best = json.loads((trained / "finished.json").read_text())["best_epoch"]
    assert line["val_mel_loss"] < 1.1 * log(trained)[best]["val_mel_loss"]
    with safe_open(tmp_path / "m/model.safetensors", "np") as stream:
        header = json.loads(stream.metadata()["mimidiar"])
    assert header["started_from"] == sha256_file(first)


def test_a_start_that_is_no_such_codec_or_another_one_is_refused(
    trained: Path, exported: Path, data: Path, tmp_path: Path
) -> None:
    def refused(said: str, folder: Path, first: Path | None) -> None:
        with pytest.raises(MimidiarError, match=said):
            train_codec(configured("epochs=1"), data, folder, 1, start_from=first)

    foreign, odd = tmp_path / "foreign.safetensors", tmp_path / "odd.safetensors"
    save_file({"w": torch.zeros(2)}, foreign)
    refused("its header names the format None", tmp_path / "m", foreign)
    save_weights(torch.nn.Linear(1, 1), odd, {"format": FORMAT, "size": {"dimension": 3}})
    refused("odd.safetensors: a codec of the size {'dimension': 3}; training here needs", tmp_path / "m", odd)
    assert not (tmp_path / "m").exists()
    train_codec(configured("epochs=1"), data, tmp_path / "m", 1, start_from=exported)
    for other in (None, trained / "model.safetensors"):
        refused(f"was begun from the weights {sha256_file(exported)}, now from", tmp_path / "m", other)


def start(config: CodecConfig, data: Path, folder: Path, hold: tuple[int, int] | None = None) -> list[BaseProcess]:
    return begin(train_codec, (config, data, folder, 1, Machine(processes=1)), {}, processes=1, hold=hold)


def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(data: Path, tmp_path: Path) -> None:
    config = configured("epochs=3")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    running = start(config, data, whole)
    for epochs in (1, 2):
        (process,) = start(config, data, cut, hold=(0, 2))
        while process.is_alive() and len(log(cut)) < epochs:
            time.sleep(0.005)
        process.kill()
        assert wait([process]) == [-signal.SIGKILL]
    assert not (cut / "finished.json").exists()
    assert wait([*running, *start(config, data, cut)]) == [0, 0]
    assert log(cut) == log(whole) and len(log(whole)) == 3
    for name in ("model.safetensors", "finished.json"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


def test_two_processes_train_one_codec(data: Path, voices: Path, tmp_path: Path) -> None:
    """Each has half of every batch; gradients are averaged, and by moshi what the codebooks become."""
    config = configured("epochs=1", "crops_per_epoch=16", "distillation.weight=1")
    members = begin(
        train_codec, (config, data, tmp_path / "m", 1, Machine(processes=2)), {"targets_dir": voices}, processes=2
    )
    assert wait(members) == [0, 0]
    (line,) = log(tmp_path / "m")
    assert line["step"] == 4 and line["val_distillation_loss"] > 0
    load_encoder("mimi-mini", checkpoint=tmp_path / "m/model.safetensors")


def test_distillation_wants_targets_and_targets_distillation(data: Path, voices: Path, tmp_path: Path) -> None:
    for config, targets in ((configured("distillation.weight=1"), None), (configured(), voices)):
        with pytest.raises(MimidiarError, match="distillation needs both: --targets FEATS"):
            train_codec(config, data, tmp_path / "m", 1, targets_dir=targets)
    assert not (tmp_path / "m").exists()


def test_another_configuration_or_seed_is_refused_in_the_same_folder(data: Path, trained: Path, voices: Path) -> None:
    config = configured(
        "epochs=4", "crops_per_epoch=32", "learning_rate=2e-3", "overlap_rate=0", "distillation.weight=1"
    )
    with pytest.raises(MimidiarError, match="another configuration or seed"):
        train_codec(config, data, trained, 2, targets_dir=voices)
    config.epochs = 5
    with pytest.raises(MimidiarError, match="another configuration or seed"):
        train_codec(config, data, trained, 1, targets_dir=voices)


@pytest.mark.parametrize(
    "key",
    [
        "crop_sec=0.5",
        "crop_sec=0",
        "batch_size=-1",
        "crops_per_epoch=33",
        "watched_crops=7",
        "watched_share=1",
        "overlap_rate=1.5",
        "skip_rate=-0.1",
        "level_dbfs=[-20]",
        "level_dbfs=[-10,-20]",
        "mel_windows=[100]",
        "mel_windows=[]",
        "mel_windows=[65536]",
        "commitment_weight=-1",
        "precision=8",
        "distillation.weight=0",
    ],
)
def test_values_that_make_no_sense_are_named(key: str) -> None:
    name = key.split("=")[0]
    with pytest.raises(MimidiarError, match=f"here: {name} (is|has)"):
        load_config(CodecConfig, None, [key]).check("here")


def test_processes_share_a_batch_equally() -> None:
    check_shares("here", configured("batch_size=4").batch_size, 2)
    with pytest.raises(MimidiarError, match="batch_size is 4, which 3 processes cannot share equally"):
        check_shares("here", 4, 3)


@pytest.mark.parametrize("path", sorted((EGS / "mini/codec/conf").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_is_valid(path: Path) -> None:
    config = load_config(CodecConfig, path)
    config.check(str(path))
    check_shares(str(path), config.batch_size, 2)


def test_bf16_trains_and_keeps_weights_of_32_bits(trained: Path, data: Path, voices: Path, tmp_path: Path) -> None:
    """Codebooks and losses stay in single precision; what is rounded elsewhere makes other codes, and little else."""
    train_codec(configured(*LEARNS, "epochs=4", "precision=bf16-mixed"), data, tmp_path / "m", 1, targets_dir=voices)
    half, single = log(tmp_path / "m")[0], log(trained)[0]
    for name in ("train_mel_loss", "train_distillation_loss"):
        assert half[name] == pytest.approx(single[name], rel=0.15) and half[name] != single[name]
    assert {value.dtype for value in load_file(tmp_path / "m" / "model.safetensors").values()} == {torch.float32}


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_a_gpu_trains_it_too(trained: Path, data: Path, voices: Path, tmp_path: Path, precision: str) -> None:
    """From the losses of a CPU on, to others, as it draws others; and the weights are read as any other."""
    config = configured(*LEARNS, "epochs=4", f"precision={precision}")
    train_codec(config, data, tmp_path / "gpu", 1, Machine("cuda"), voices)
    first, last, of_cpu = log(tmp_path / "gpu")[0], log(tmp_path / "gpu")[-1], log(trained)[0]
    assert first["train_mel_loss"] == pytest.approx(of_cpu["train_mel_loss"], rel=0.15)
    assert last["train_mel_loss"] < 0.6 * first["train_mel_loss"]
    assert last["train_distillation_loss"] < 0.8 * first["train_distillation_loss"]
    encoder = load_encoder("mimi-mini", "latent", checkpoint=tmp_path / "gpu" / "model.safetensors")
    audio = torch.from_numpy(speech(1.0).copy())[None]
    assert encoder.encode(audio, torch.tensor([audio.shape[1]]))[0].isfinite().all()
