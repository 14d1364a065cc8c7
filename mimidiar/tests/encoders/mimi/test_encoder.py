"""Finding, describing and loading encoders; what is said when the weights are not right."""

import subprocess
import sys

import pytest
import torch
from moshi.models import loaders
from safetensors.torch import load_file, save_file

from mimidiar.encoders.mimi import family as mimi_family
from mimidiar.encoders.mimi.sizes import FRAME_SAMPLES, FULL, LATENT_HZ, MINI, SAMPLE_RATE, TRANSFORMER_HZ
from mimidiar.encoders.mimi.tap import configuration, untrained_mimi
from mimidiar.encoders.registry import ENCODERS, describe_encoder, load_encoder
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file, write_json
from mimidiar.tests.encoders.mimi.checkpoints import filled_mimi, save_checkpoint
from mimidiar.tests.speech import speech


def test_sizes_are_moshis():
    assert configuration(FULL) == loaders._mimi_config
    assert (SAMPLE_RATE, LATENT_HZ) == (loaders.SAMPLE_RATE, loaders.FRAME_RATE)
    assert (mimi_family.HUB_REPO, mimi_family.HUB_FILE) == (loaders.DEFAULT_REPO, loaders.MIMI_NAME)


def test_mini_is_small():
    values = sum(value.numel() for value in untrained_mimi(MINI, 0).state_dict().values())
    assert values == 5_458_009
    assert values < 5_500_000


@pytest.mark.parametrize("name", ["mimi-random", "mimi-random-full"])
def test_description_is_true_and_needs_no_torch(name):
    code = (
        "import sys; from mimidiar.encoders.registry import describe_encoder as d;"
        f"s = d({name!r}, 'transformer.1', seed=2);"
        "assert 'torch' not in sys.modules and 'moshi' not in sys.modules;"
        "print(s.weights_sha256)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    spec = describe_encoder(name, "transformer.1", seed=2)
    assert said == spec.weights_sha256 != describe_encoder(name, seed=3).weights_sha256
    assert (spec.frame_hz, spec.sample_rate, spec.dim) == (TRANSFORMER_HZ, 24000, 256 if name == "mimi-random" else 512)
    assert spec.taps[-1] == f"quantized.{8 if name == 'mimi-random' else 32}"


def test_a_tap_computes_no_more_than_it_needs():
    model = load_encoder("mimi-random", "seanet").model
    assert (len(model.layers), model.downsample, model.quantizer) == (0, None, None)
    model = load_encoder("mimi-random", "transformer.0").model
    assert (len(model.layers), model.downsample, model.quantizer) == (1, None, None)
    assert load_encoder("mimi-random").model.quantizer is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mimo",), r"unknown encoder 'mimo'; choose one of mimi, mimi-mini, mimi-mini-distil, mimi-random, "),
        (("mimi-rndom",), r"unknown encoder 'mimi-rndom'; .*; did you mean 'mimi-random'\?"),
        (("mimi-random", "transformer.2"), r"no tap 'transformer.2'; choose seanet, transformer.0 to transformer.1"),
        (("mimi-random", "quantized.9"), r"quantized.1 to quantized.8"),
        (("mimi", "latent", "/nowhere/mimi.safetensors"), r"/nowhere/mimi.safetensors: no such weights file"),
        (("mimi-random", "latent", "some.safetensors"), r"reads no checkpoint"),
        (("mimi-random", "quantized.2"), r"codebooks of these weights are empty"),
    ],
)
def test_what_cannot_be_loaded(arguments, said):
    with pytest.raises(MimidiarError, match=said):
        load_encoder(*arguments)


@pytest.mark.parametrize("name", ["mimi-mini", "mimi-mini-distil"])
def test_a_small_one_needs_no_file_where_it_is_shipped(name, mini_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("mimidiar.shipped.ASSETS", tmp_path)
    with pytest.raises(MimidiarError, match=rf"no weights called '{name}' \(with none\); name a file"):
        load_encoder(name)
    (tmp_path / f"{name}.safetensors").write_bytes(mini_checkpoint.read_bytes())
    write_json(tmp_path / f"{name}.json", {"sha256": sha256_file(mini_checkpoint)})
    spec = describe_encoder(name)
    assert (spec.weights, spec.weights_sha256) == (f"{name}.safetensors", sha256_file(mini_checkpoint))
    assert describe_encoder(name, checkpoint=mini_checkpoint).weights == mini_checkpoint.name
    audio, length = torch.randn(1, FRAME_SAMPLES), torch.tensor([FRAME_SAMPLES])
    ours = load_encoder(name).encode(audio, length)[0]
    assert torch.equal(ours, load_encoder(name, checkpoint=mini_checkpoint).encode(audio, length)[0])


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "mimi.pt"
    torch.save({"model": {}}, path)
    with pytest.raises(MimidiarError, match=r"only .safetensors"):
        load_encoder("mimi-mini", checkpoint=path)


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_damaged_weights(damage, mini_checkpoint, tmp_path):
    whole = mini_checkpoint.read_bytes()
    path = tmp_path / "damaged.safetensors"
    path.write_bytes({"cut": whole[: len(whole) // 2], "garbage": b"weights" * 99, "empty": b""}[damage])
    with pytest.raises(MimidiarError, match=r"damaged.safetensors: not a whole safetensors file"):
        load_encoder("mimi-mini", checkpoint=path)


def test_weights_of_another_size(mini_checkpoint, monkeypatch):
    monkeypatch.setenv("MIMI_CHECKPOINT", str(mini_checkpoint))
    with pytest.raises(MimidiarError) as caught:
        load_encoder("mimi")
    message = str(caught.value)
    assert "missing (" in message and "of another shape (" in message
    assert "encoder.model.0.conv.conv.weight: file [16, 1, 7], model [64, 1, 7]" in message
    assert len(message) < 1500


def test_missing_and_unexpected_weights_are_counted(mini_checkpoint, tmp_path):
    state = load_file(mini_checkpoint)
    state["speaker.weight"] = state.pop("downsample.conv.conv.conv.weight")
    save_file(state, tmp_path / "odd.safetensors")
    said = r"1 missing \(downsample.conv.conv.conv.weight\); 1 unexpected \(speaker.weight\)"
    with pytest.raises(MimidiarError, match=said):
        load_encoder("mimi-mini", checkpoint=tmp_path / "odd.safetensors")


def test_names_of_older_checkpoints_are_understood(mini_checkpoint, tmp_path):
    """Kyutai's file has `in_proj_weight` where moshi now says `in_projs.0.weight`."""
    old = {
        key.replace("in_projs.0.weight", "in_proj_weight").replace("out_projs.0.weight", "out_proj.weight"): value
        for key, value in load_file(mini_checkpoint).items()
    }
    save_file(old, tmp_path / "old.safetensors")
    audio, length = torch.randn(1, FRAME_SAMPLES), torch.tensor([FRAME_SAMPLES])
    ours = load_encoder("mimi-mini", checkpoint=tmp_path / "old.safetensors").encode(audio, length)[0]
    assert torch.equal(ours, load_encoder("mimi-mini", checkpoint=mini_checkpoint).encode(audio, length)[0])


def test_no_network_is_said_plainly(monkeypatch, tmp_path):
    from huggingface_hub.errors import LocalEntryNotFoundError

    def offline(*arguments):
        raise LocalEntryNotFoundError("cannot reach the hub")

    monkeypatch.delenv("MIMI_CHECKPOINT", raising=False)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", offline)
    with pytest.raises(MimidiarError, match=r"could not fetch .*cannot reach the hub.*MIMI_CHECKPOINT.*mimi-random"):
        describe_encoder("mimi")


@pytest.mark.long
def test_full_size_from_its_file_equals_moshi(tmp_path, monkeypatch):
    path = save_checkpoint(filled_mimi(FULL, seconds=40), tmp_path / "full.safetensors")
    monkeypatch.setenv("MIMI_CHECKPOINT", str(path))
    audio = torch.from_numpy(speech(15.0).copy())[None]
    reference = loaders.get_mimi(path, num_codebooks=32)
    for tap in ("latent", "quantized.1", "quantized.32"):
        ours, frames = load_encoder("mimi", tap).encode(audio, torch.tensor([audio.shape[1]]))
        with torch.inference_mode():
            if tap != "latent":
                reference.set_num_codebooks(int(tap.split(".")[1]))
            moshi = reference.encode_to_latent(audio[None], quantize=tap != "latent")[0].T
        assert ours.shape == (1, int(frames[0]), 512)
        same = ((ours[0] - moshi).abs().amax(dim=1) < 1e-5 * moshi.abs().max()).float().mean().item()
        # Near the middle of two code vectors a rounding error decides; over 32 codebooks that happens to some frames.
        assert same == 1.0 if tap == "latent" else same > 0.9, (tap, same, (ours[0] - moshi).abs().max())


def test_the_registry_is_one_line_each():
    codecs = ["mimi", "mimi-mini", "mimi-mini-distil", "mimi-random", "mimi-random-full"]
    assert list(ENCODERS) == [*codecs, "logmel", "titanet", "campplus", "branch", "vad"]
