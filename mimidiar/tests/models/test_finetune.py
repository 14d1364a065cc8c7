"""The codec's layers before the adapter: crops with their history against whole recordings."""

import pytest
import torch

from mimidiar.encoders.mimi.sizes import MINI
from mimidiar.encoders.mimi.upper_layers import MimiTop
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.build import build_model, load_model, model_header
from mimidiar.models.finetune import latent
from mimidiar.weight_files import save_weights

VARIANTS = {"default": {}, "ancestor": {"norm": "post", "positions": "sinusoidal"}}


@pytest.fixture(params=VARIANTS)
def model(request):
    """One layer of the codec and a small adapter, all weights random, layer scale 1."""
    torch.manual_seed(0)
    config = AdapterConfig(MINI.dimension, 16, 1, 2, 32, 0.0, **VARIANTS[request.param])
    model = build_model(config, top=MimiTop(MINI, 1)).eval()
    with torch.no_grad():
        for name, weight in model.top.named_parameters():
            if "layer_scale" in name:
                weight.fill_(1.0)
    return model


@pytest.fixture(scope="module")
def recording() -> torch.Tensor:
    """(T, 2 D): 400 label frames, 32 s."""
    return torch.randn(400, 2 * MINI.dimension, generator=torch.Generator().manual_seed(1))


def batch(recording: torch.Tensor, spans: list[tuple[int, int]], history: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Features and mask of crops [start, stop) as training has them: history before, padding behind."""
    first = [max(0, start - history) for start, _ in spans]
    length = max(stop - begin for begin, (_, stop) in zip(first, spans, strict=True))
    features, mask = torch.zeros(len(spans), length, recording.shape[1]), torch.zeros(len(spans), length).bool()
    for row, (begin, (start, stop)) in enumerate(zip(first, spans, strict=True)):
        features[row, : stop - begin] = recording[begin:stop]
        mask[row, start - begin : stop - begin] = True
    return features, mask


@torch.no_grad()
def test_a_crop_with_its_history_is_that_of_the_whole_recording(model, recording) -> None:
    """Also at the beginning of a recording, where there is no history, and beside longer crops."""
    spans = [(0, 60), (40, 120), (300, 400), (399, 400)]
    logits = model(*batch(recording, spans, history=126))
    mask = batch(recording, spans, history=126)[1]
    whole = model.top.run(recording.reshape(-1, MINI.dimension))
    for row, (start, stop) in enumerate(spans):
        alone = model.adapter(whole[None, start:stop])[0]
        torch.testing.assert_close(logits[row, mask[row]], alone, atol=1e-5, rtol=0)
    assert not logits[~mask].any()


@torch.no_grad()
def test_without_history_the_first_frames_are_others(model, recording) -> None:
    """Else the history would be for nothing."""
    near, far = (model(*batch(recording, [(200, 260)], history))[:, -60:] for history in (0, 126))
    assert (near - far).abs().max() > 1e-3


@torch.no_grad()
def test_padding_and_history_do_not_reach_the_adapter(model, recording) -> None:
    features, mask = batch(recording, [(130, 200)], history=126)
    before = model(features, mask)
    model.adapter.features.set_statistics(torch.ones(MINI.dimension), torch.full((MINI.dimension,), 2.0))
    changed = features.clone()
    changed[0, 196:] = 7.0  # nothing: the crop ends there
    assert features.shape[1] == 196 and torch.equal(model(changed, mask), model(features, mask))
    x = latent(model.top, features)
    x[:, :126] = 100.0
    torch.testing.assert_close(model.adapt(x, mask), model(features, mask), atol=1e-5, rtol=0)
    assert not torch.equal(before, model(features, mask))


def test_gradients_reach_every_weight_of_both_parts(model, recording) -> None:
    features, mask = batch(recording, [(0, 60), (40, 120)], history=20)
    model(features, mask)[mask].square().mean().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in model.parameters())


def test_from_its_file_it_is_the_same_model(model, recording, tmp_path) -> None:
    config = AdapterConfig(MINI.dimension, 16, 1, 2, 32, 0.0, norm="pre" if model.adapter.layers[0].pre else "post")
    config.positions = "sinusoidal" if model.adapter.sinusoidal else "rotary"
    header = model_header(config, 25.0, 4.0, {"encoder": "mimi-random"}, top=model.top)
    save_weights(model, tmp_path / "model.safetensors", header)
    trained = load_model(tmp_path / "model.safetensors")
    with torch.no_grad():
        x = trained.front.run(recording.reshape(-1, MINI.dimension))
        torch.testing.assert_close(trained.model(x[None]), model(recording[None]), atol=1e-5, rtol=0)
