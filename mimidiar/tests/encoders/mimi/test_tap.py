"""The taps against moshi's own modules: batches, chunks, causality, past the attention's context."""

import numpy as np
import pytest
import torch

from mimidiar.encoders.mimi.sizes import FRAME_SAMPLES, MINI, SAMPLE_RATE
from mimidiar.encoders.mimi.tap import load_mimi, untrained_mimi
from mimidiar.encoders.registry import load_encoder
from mimidiar.tests.speech import speech

TOLERANCE = 1e-5  # of the largest value, where that is above 1: float32 sums, each 4e-6 from the exact one
# What moshi's own frame-by-frame mode differs by past 10 s, in standard deviations of the latent over time: its ring
# cache holds 250 keys, and the second of the two 25 Hz frames in a step overwrites the key that the first still attends
# to. (With moshi's default initial weights it is 1.5e-3 absolute, but so is a tenth of what changes there at all.)
MOSHI_STREAM_DIFFERENCE = 0.25


def signal(seconds: float, seed: int = 0) -> torch.Tensor:
    """Audio (1, T)."""
    return torch.from_numpy(speech(seconds, seed).copy())[None]


def assert_same(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, atol=TOLERANCE * max(1.0, other.abs().max().item()), rtol=0)


@pytest.fixture(scope="module")
def encoder(mini_checkpoint):
    return load_encoder("mimi-mini", checkpoint=mini_checkpoint)


@pytest.fixture(scope="module")
def reference(mini_checkpoint):
    """moshi's model from the same file, untouched by us."""
    return load_mimi(mini_checkpoint, MINI)


@torch.inference_mode()
def moshi_tap(model, audio: torch.Tensor, tap: str) -> torch.Tensor:
    """The tap by moshi's public calls and hooks, one file at a time: (1, T) -> (F, D)."""
    caught = {}
    layers = model.encoder_transformer.transformer.layers
    hooks = [model.encoder.register_forward_hook(lambda m, i, out: caught.update(seanet=out[0].T))]
    for number, layer in enumerate(layers):
        name = f"transformer.{number}"
        hooks.append(layer.register_forward_hook(lambda m, i, out, name=name: caught.update({name: out[0]})))
    if tap.startswith("quantized"):
        model.set_num_codebooks(int(tap.split(".")[1]))
    caught["latent"] = model.encode_to_latent(audio[None], quantize=False)[0].T
    caught[tap if tap.startswith("quantized") else ""] = model.encode_to_latent(audio[None])[0].T
    for hook in hooks:
        hook.remove()
    return caught[tap]


@pytest.mark.parametrize("tap", ["seanet", "transformer.0", "transformer.1", "latent", "quantized.1", "quantized.5"])
def test_batch_equals_one_by_one_and_moshi(tap, mini_checkpoint, reference):
    encoder = load_encoder("mimi-mini", tap, checkpoint=mini_checkpoint)
    lengths = torch.tensor([5 * SAMPLE_RATE + 77, 1, FRAME_SAMPLES, 3 * SAMPLE_RATE])
    audio = signal(20).view(4, -1)[:, : int(lengths.max())]  # what lies past a length is speech, not zeros
    features, frames = encoder.encode(audio, lengths)
    per_latent = 2 if encoder.frame_hz == 25 else 1
    assert frames.tolist() == [-(-int(n) // FRAME_SAMPLES) * per_latent for n in lengths]
    for row, (length, count) in enumerate(zip(lengths, frames, strict=True)):
        alone, _ = encoder.encode(audio[row : row + 1, :length], length[None])
        moshi = moshi_tap(reference, audio[row : row + 1, :length], tap)
        assert features.shape[2] == encoder.dim
        assert_same(features[row, :count], alone[0])
        assert_same(alone[0], moshi)
        assert not features[row, count:].any()


@pytest.mark.parametrize("chunk", [1, 6, 125, "random"])
def test_stream_equals_one_shot_past_the_context(chunk, encoder, reference):
    audio = signal(40)
    with torch.inference_mode():
        one_shot = reference.encode_to_latent(audio[None], quantize=False)[0].T
    random = np.random.default_rng(1)
    parts, position = [], 0
    with encoder.stream(1) as stream:
        while position < audio.shape[1]:
            frames = random.integers(1, 200) if chunk == "random" else chunk
            parts.append(stream.step(audio[:, position : position + frames * FRAME_SAMPLES]))
            position += frames * FRAME_SAMPLES
    assert_same(torch.cat(parts, dim=1)[0], one_shot)


@pytest.mark.parametrize("chunk_frames", [1, 6, 125])
def test_pieces_of_any_size_equal_one_shot(chunk_frames, encoder):
    audio = signal(40)
    expected = encoder.model(audio)
    with encoder.stream(1, chunk_frames=chunk_frames) as stream:
        assert_same(stream.step(audio), expected)


def test_quiet_audio_is_computed_as_exactly(encoder, reference):
    """The norms of the transformer bring what is hardly there to the level of speech, and its errors with it."""
    audio = 1e-5 * signal(3)
    ours, _ = encoder.encode(audio, torch.tensor([audio.shape[1]]))
    with torch.inference_mode():
        assert_same(ours[0], reference.encode_to_latent(audio[None], quantize=False)[0].T)
    assert ours.std() > 0.01


def test_moshis_own_frame_by_frame_mode_is_near(encoder, reference, record_property):
    """Not ours to mend: it is what a tap on a running Moshi sees. The bound is documented."""
    audio = signal(40)
    ours, _ = encoder.encode(audio, torch.tensor([audio.shape[1]]))
    with torch.inference_mode(), reference.streaming(1):
        steps = [reference.encode_to_latent(each[None], quantize=False) for each in audio.split(FRAME_SAMPLES, dim=1)]
    difference = (torch.cat(steps, dim=2)[0].T - ours[0]).abs()
    relative = (difference.max() / ours[0].std(dim=0).mean()).item()
    record_property("relative", relative)
    assert difference[:125].max() < TOLERANCE * max(1.0, ours.abs().max().item())
    assert 1e-3 < relative < MOSHI_STREAM_DIFFERENCE


def test_later_input_never_changes_earlier_output(encoder):
    audio = signal(14)
    changed = audio.clone()
    cut = 12 * SAMPLE_RATE // FRAME_SAMPLES * FRAME_SAMPLES
    changed[:, cut:] = signal(14, seed=5)[:, cut:]
    with torch.inference_mode():
        before, after = encoder.model(audio)[0], encoder.model(changed)[0]
    frames = cut // FRAME_SAMPLES
    assert_same(before[:frames], after[:frames])
    assert (before[frames] - after[frames]).abs().max() > 1e-3


def test_streams_are_independent(encoder):
    first, second = signal(4), signal(4, seed=3)
    expected = [encoder.encode(each, torch.tensor([each.shape[1]]))[0] for each in (first, second)]
    half = first.shape[1] // 2
    with encoder.stream(1) as a, encoder.stream(1) as b:
        got_a, got_b = [a.step(first[:, :half])], [b.step(second[:, :half])]
        encoder.encode(second, torch.tensor([half]))
        got_a.append(a.step(first[:, half:]))
        got_b.append(b.step(second[:, half:]))
    for got, wanted in zip((got_a, got_b), expected, strict=True):
        assert_same(torch.cat(got, dim=1), wanted)


@pytest.mark.parametrize("shape", [(1, 1919), (2, 1920), (1, 0)])
def test_wrong_step_says_what_is_wanted(shape, encoder):
    with encoder.stream(1) as stream, pytest.raises(ValueError, match="1920"):
        stream.step(torch.zeros(shape))


@pytest.mark.parametrize("tap", ["latent", "quantized.3"])
def test_forward_can_be_trained_after_encoding(tap, mini_checkpoint):
    encoder = load_encoder("mimi-mini", tap, checkpoint=mini_checkpoint)
    audio = signal(2)
    encoded, _ = encoder.encode(audio, torch.tensor([audio.shape[1]]))
    with torch.enable_grad():
        output = encoder.model(audio)
        assert_same(output, encoded)
        if tap == "latent":
            output.square().mean().backward()
            assert encoder.model.layers[0].self_attn.in_projs[0].weight.grad.abs().max() > 0


def test_untrained_latent_depends_on_the_input():
    """Initial weights must not make the control deaf: different audio, clearly different latents."""
    encoder = load_encoder("mimi-random", seed=1)
    features, _ = encoder.encode(torch.cat([signal(4), signal(4, seed=7)]), torch.tensor([96000, 96000]))
    spread = features.reshape(-1, encoder.dim).std(dim=0).mean()
    level = features.reshape(-1, encoder.dim).mean(dim=0).abs().mean()
    assert spread > 0.2 * level


def test_untrained_weights_come_from_the_seed_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = untrained_mimi(MINI, seed=3).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(6)
    again, other = untrained_mimi(MINI, seed=3).state_dict(), untrained_mimi(MINI, seed=4).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["encoder.model.0.conv.conv.weight"], other["encoder.model.0.conv.conv.weight"])
