"""Likeness to the voices of a window: found without knowing any voice, untouched by silence, padding and rotation."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from mimidiar.errors import MimidiarError
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.build import build_model, load_model, model_header
from mimidiar.models.fusion import Anchors, FusionConfig
from mimidiar.weight_files import save_weights

DIM = 64
SMALL = {"model_dim": 16, "num_layers": 1, "num_heads": 2, "ff_dim": 32, "dropout": 0.0, "attention_dropout": 0.0}


def conversation(speakers: list[int], turn: int = 12, spread: float = 0.5, seed: int = 0) -> torch.Tensor:
    """Unit embeddings (1, T, DIM) of turns of these speakers; -1 is silence. Within a voice the cosine is about 0.8."""
    generator = torch.Generator().manual_seed(seed)
    voices = F.normalize(torch.randn(9, DIM, generator=generator), dim=-1)
    voices[-1] = 0
    frames = voices[speakers].repeat_interleave(turn, dim=0)
    noise = F.normalize(torch.randn(len(frames), DIM, generator=generator), dim=-1) * spread
    return F.normalize(frames + noise * (frames.norm(dim=-1, keepdim=True) > 0), dim=-1)[None]


def test_each_voice_has_an_anchor_of_its_own():
    turns = [0, 1, 0, -1, 2, 1, 0, 2]
    likeness = Anchors(4, 0.4, 0.07)(conversation(turns))[0]
    frames = torch.tensor(turns).repeat_interleave(12)
    nearest = likeness[:, :3].argmax(-1)
    owner = {speaker: nearest[frames == speaker].unique().tolist() for speaker in (0, 1, 2)}
    assert all(len(found) == 1 for found in owner.values()), owner
    assert len({found[0] for found in owner.values()}) == 3
    assert owner[0] == [0]  # the one who speaks most
    shares = likeness[0, 4:8]
    assert shares[0] > 0.9 and (shares[1:3] > 0.5).all() and shares[3] < 0.1  # there is no fourth voice
    assert (likeness[:, 4:8] == shares).all()


def test_no_voice_counts_for_what_it_is():
    """All embeddings turned alike: other voices with the same likeness among them, and the same result."""
    embeddings = conversation([0, 1, -1, 0, 2])
    turn, _ = torch.linalg.qr(torch.randn(DIM, DIM, generator=torch.Generator().manual_seed(5)))
    anchors = Anchors(3, 0.4, 0.07)
    torch.testing.assert_close(anchors(embeddings @ turn), anchors(embeddings), atol=1e-3, rtol=0)
    assert not list(anchors.parameters())


def test_silence_is_of_nobody_and_changes_nothing():
    speech = conversation([0, 1, 0])
    anchors = Anchors(2, 0.4, 0.07)
    padded = torch.cat([torch.zeros(1, 30, DIM), speech, torch.zeros(1, 5, DIM)], dim=1)
    found = anchors(padded)
    torch.testing.assert_close(found[:, 30:-5], anchors(speech))
    assert not found[:, :30, :2].any() and not found[:, :30, -1].any() and (found[:, 30:-5, -1] == 1).all()
    assert not anchors(torch.zeros(2, 7, DIM)).any()


def test_likeness_by_hand():
    """Two frames of one voice, one of another, cosine 0 between them: odds of (cosine - 0.5) / 0.1, over 4."""
    unit = torch.eye(3)[[0, 0, 1]][None]
    found = Anchors(2, 0.5, 0.1)(unit)[0]
    assert torch.allclose(found[:, 0], torch.tensor([1.25, 1.25, -1.25]), atol=0.02)
    assert torch.allclose(found[:, 1], torch.tensor([-1.25, -1.25, 1.25]), atol=0.05)
    # Two frames are like the first choice (the third by odds of e^-5); of the second choice's one frame, all is new.
    assert torch.allclose(found[0, 2:4], torch.tensor([1.0, 0.5]), atol=0.01)


def model(features: int = 5, stacked: int = 1):
    torch.manual_seed(0)
    config = AdapterConfig(**SMALL, input_dim=stacked * (features + DIM))
    return config, FusionConfig(same_voice=0.4, softness=0.07, streams=[features, DIM], stacked=stacked)


def built(**changes):
    """A fused adapter whose codec counts, as after training, and a list of what enters projection and adapter."""
    config, fusion = model(**changes)
    config.feature_noise = 1.0
    fused = build_model(config, fusion).eval()
    torch.nn.init.normal_(fused.codec.weight)
    seen = []
    for module in (fused.codec, fused.adapter):
        module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    return fused, seen


def test_padding_changes_no_frame():
    fused, _ = built()
    x = torch.cat([torch.randn(1, 36, 5), conversation([0, 1, 0])], dim=-1)
    padded = torch.cat([x, torch.randn(1, 14, 5 + DIM)], dim=1)
    mask = torch.arange(50)[None] < 36
    torch.testing.assert_close(fused(padded, mask)[:, :36], fused(x), atol=1e-4, rtol=1e-4)


def test_training_begins_with_the_likeness_alone():
    fused = build_model(*model()).train()
    embeddings = conversation([0, 1, 0])
    one, other = (fused(torch.cat([torch.randn(1, 36, 5), embeddings], dim=-1)) for _ in range(2))
    assert torch.equal(one, other)
    one.square().sum().backward()
    assert fused.codec.weight.grad.abs().max() > 0  # and it can leave


def test_stacked_frames_of_a_store_at_25_hz():
    """Both halves of a label frame reach the adapter; the voice is that of the two together."""
    fused, seen = built(stacked=2)
    codec, embeddings = torch.randn(1, 36, 2, 5), conversation([0, 1, 0])
    fused(torch.cat([codec, embeddings[:, :, None].expand(-1, -1, 2, -1)], dim=-1).flatten(-2))
    assert torch.equal(seen[0], codec.flatten(-2))
    torch.testing.assert_close(seen[1][..., 16:], fused.anchors(embeddings))


def test_noise_and_statistics_are_those_of_the_codecs_stream():
    fused, seen = built()
    fused.train()
    fused.features.set_statistics(torch.full((5 + DIM,), 2.0), torch.full((5 + DIM,), 4.0))
    x = torch.cat([torch.full((1, 36, 5), 6.0), conversation([0, 1, 0])], dim=-1)
    for _ in range(2):
        fused(x)
    assert not torch.equal(seen[0], seen[2]) and abs(seen[0].mean() - 1) < 0.3
    assert torch.equal(seen[1][..., 16:], seen[3][..., 16:])


def test_a_file_says_how_to_build_what_it_fills(tmp_path: Path):
    config, fusion = model()
    fused = build_model(config, fusion).eval()
    path = tmp_path / "model.safetensors"
    save_weights(fused, path, model_header(config, 12.5, 30.0, {"encoder": "a+b"}, fusion))
    loaded = load_model(path)
    x = torch.cat([torch.randn(1, 36, 5), conversation([0, 1, 0])], dim=-1)
    assert torch.equal(loaded.model(x), fused(x)) and loaded.model.max_speakers == 4
    save_weights(fused, path, model_header(config, 12.5, 30.0, {}, FusionConfig(anchors=0)))
    with pytest.raises(MimidiarError, match="describes no model of this version"):
        load_model(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"anchors": 0}, "0 anchors"),
        ({"softness": 0.0}, "softness 0;"),
        ({"same_voice": 1.0}, "same_voice 1,"),
        ({"streams": [4, DIM]}, r"\[4, 64\] dimensions on 69"),
        ({"codec_dim": 0}, "the codec's brought to 0"),
        ({"softness": None}, "training finds them"),
    ],
)
def test_what_cannot_be_built_is_named(changes, words):
    config, fusion = model()
    with pytest.raises(ValueError, match=words):
        build_model(config, FusionConfig(**{**asdict(fusion), **changes}))
