"""TitaNet: what is refused before NeMo is imported (20 s), and, marked long, all of it at full size."""

import io
import tarfile
from pathlib import Path

import pytest
import soundfile
import torch
import yaml

from mimidiar.encoders.registry import describe_encoder, load_encoder
from mimidiar.encoders.speaker.titanet import CONFIG, FILE, WEIGHTS, Titanet, check_config, load_titanet
from mimidiar.errors import MimidiarError
from mimidiar.files import sha256_file
from mimidiar.tests.encoders.speaker.checkpoints import save_titanet, titanet_config
from mimidiar.tests.speech import speech


def pack(path: Path, members: dict[str, bytes]) -> Path:
    """A tar in the layout of a `.nemo` file."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def packed_config(path: Path, **changes) -> Path:
    config = {**titanet_config(), **changes}
    return pack(path, {CONFIG: yaml.safe_dump(config).encode(), WEIGHTS: b""})


def test_the_description_needs_no_nemo(tmp_path, monkeypatch):
    path = packed_config(tmp_path / "t.nemo")
    monkeypatch.setenv("TITANET_CHECKPOINT", str(path))
    spec = describe_encoder("titanet")
    assert (spec.name, spec.sample_rate, spec.frame_hz, spec.dim) == ("titanet", 16000, 12.5, 192)
    assert (spec.weights, spec.weights_sha256) == ("t.nemo", sha256_file(path))
    assert describe_encoder("titanet", "window1.5-hop0.2").lookahead_frames == 12
    check_config(path)


def test_it_is_fetched_by_name(tmp_path, monkeypatch):
    path = packed_config(tmp_path / FILE)
    asked = []
    monkeypatch.delenv("TITANET_CHECKPOINT", raising=False)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *names: asked.append(names) or str(path))
    assert describe_encoder("titanet").weights == FILE
    assert asked == [("nvidia/speakerverification_en_titanet_large", FILE)]


def test_no_network_is_said_plainly(monkeypatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    def offline(*names):
        raise LocalEntryNotFoundError("cannot reach the hub")

    monkeypatch.delenv("TITANET_CHECKPOINT", raising=False)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", offline)
    with pytest.raises(MimidiarError, match=r"could not fetch .*cannot reach the hub.*TITANET_CHECKPOINT.*campplus"):
        describe_encoder("titanet")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": "nemo.collections.asr.models.EncDecCTCModel"}, "holds a EncDecCTCModel for 16000 Hz"),
        ({"preprocessor": {"sample_rate": 8000}}, "for 8000 Hz"),
        ({"decoder": {"emb_sizes": [512, 256]}}, "with 256 dimensions"),
    ],
)
def test_another_model_is_refused(tmp_path, changes, said):
    with pytest.raises(MimidiarError, match=said):
        load_titanet(packed_config(tmp_path / "other.nemo", **changes))


def test_damaged_files_are_refused(tmp_path):
    whole = packed_config(tmp_path / "t.nemo").read_bytes()
    for content, said in (
        (whole[:700], "not a whole .nemo file"),
        (b"weights" * 999, "not a whole .nemo file"),
        (b"", "not a whole .nemo file"),
    ):
        (tmp_path / "damaged.nemo").write_bytes(content)
        with pytest.raises(MimidiarError, match=said):
            load_titanet(tmp_path / "damaged.nemo")
    with pytest.raises(MimidiarError, match=rf"it has no {WEIGHTS}"):
        load_titanet(pack(tmp_path / "half.nemo", {CONFIG: b"{}"}))
    with pytest.raises(MimidiarError, match="no mapping"):
        load_titanet(pack(tmp_path / "odd.nemo", {CONFIG: b"- 1\n", WEIGHTS: b""}))
    with pytest.raises(MimidiarError, match=r"expected a file named .nemo"):
        (tmp_path / "t.ckpt").write_bytes(b"1")
        describe_encoder("titanet", checkpoint=tmp_path / "t.ckpt")


class Harmful:
    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


@pytest.fixture(scope="module")
def nemo_file(tmp_path_factory):
    """TitaNet-L, 22.1 M parameters without its speakers, seeded, written by NeMo."""
    return save_titanet(tmp_path_factory.mktemp("titanet") / "titanet.nemo")


@pytest.mark.long
def test_full_size_equals_nemos_get_embedding(nemo_file, tmp_path):
    embedder = Titanet(nemo_file)
    kept = (value.numel() for name, value in embedder.model.named_parameters() if not name.startswith("decoder.final"))
    assert round(sum(kept) / 1e6, 1) == 22.1
    for samples in (8000, 24_000):
        batch = torch.from_numpy(speech(10.0)[: 4 * samples].copy()).view(4, samples)
        found = embedder(batch)
        assert found.shape == (4, 192) and found.std(dim=0).mean() > 0.01 * found.abs().mean()
        for row, window in enumerate(batch):
            soundfile.write(tmp_path / "window.wav", window.numpy(), 16000, subtype="FLOAT")
            alone = embedder.model.get_embedding(str(tmp_path / "window.wav"))[0]
            torch.testing.assert_close(found[row], alone, atol=1e-5 * alone.abs().max().item(), rtol=0)


@pytest.mark.long
def test_full_size_through_the_registry(nemo_file):
    encoder = load_encoder("titanet", checkpoint=nemo_file)
    audio = torch.from_numpy(speech(4.0)[:64_000].copy())[None]
    embeddings, frames = encoder.encode(audio, torch.tensor([64_000]))
    assert embeddings.shape == (1, 50, 192) and frames.tolist() == [50]
    torch.testing.assert_close(embeddings.norm(dim=2), torch.ones(1, 50))
    window = encoder.embedder(audio[:, 1600:25_600])  # the one centred at 0.85 s
    at = torch.nn.functional.normalize(window)[0]
    assert (embeddings[0, 10] @ at) > 0.999  # whose frame's middle is 0.84 s


@pytest.mark.long
def test_full_size_a_pickle_runs_nothing(nemo_file, tmp_path, monkeypatch):
    """Also where the environment asks torch to run what it finds."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with tarfile.open(nemo_file) as tar:
        config = tar.extractfile(f"./{CONFIG}").read()
    harm = Harmful()
    harm.path = str(tmp_path / "ran")
    weights = io.BytesIO()
    torch.save({"a": harm}, weights)
    with pytest.raises(MimidiarError, match=r"more than weights"):
        load_titanet(pack(tmp_path / "harm.nemo", {CONFIG: config, WEIGHTS: weights.getvalue()}))
    weights = io.BytesIO()
    torch.save({"encoder.weight": torch.zeros(3)}, weights)
    with pytest.raises(MimidiarError, match=r"do not fit"):
        load_titanet(pack(tmp_path / "odd.nemo", {CONFIG: config, WEIGHTS: weights.getvalue()}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.long
def test_full_size_a_configuration_builds_no_other_class(tmp_path):
    config = titanet_config()
    config["preprocessor"] = {"_target_": "subprocess.Popen", "args": ["touch", str(tmp_path / "ran")]}
    path = pack(tmp_path / "evil.nemo", {CONFIG: yaml.safe_dump(config).encode(), WEIGHTS: b""})
    with pytest.raises(MimidiarError, match=r"subprocess\.Popen"):
        load_titanet(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.long
def test_full_size_a_configuration_that_does_not_build_is_one_line(tmp_path):
    config = titanet_config()
    config["preprocessor"]["windows"] = 3
    path = pack(tmp_path / "odd.nemo", {CONFIG: yaml.safe_dump(config).encode(), WEIGHTS: b""})
    with pytest.raises(MimidiarError, match=rf"cannot build what its {CONFIG} describes"):
        load_titanet(path)
