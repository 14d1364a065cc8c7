"""Windows on the time axis: time stamps, silence, batches, streams."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mimidiar.encoders.recordings import encode_chunks
from mimidiar.encoders.speaker.windowing import SHORTEST_SEC, EmbeddingWindows, parse_tap
from mimidiar.encoders.speaker.windows import Grid, embed_recordings, neighbors
from mimidiar.errors import MimidiarError
from mimidiar.tests.encoders.speaker.embedders import RATE, Levels, Shares, made_up_encoder

FRAME = 1280
SECONDS = 8


def step_at(seconds: float, length: float = SECONDS) -> torch.Tensor:
    """One voice until `seconds`, then the other."""
    samples = torch.full((round(length * RATE),), 0.1)
    samples[round(seconds * RATE) :] = -0.1
    return samples


def noise(samples: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    loudness = torch.rand(samples // 4000 + 1, generator=generator).repeat_interleave(4000)[:samples]
    return torch.randn(samples, generator=generator) * loudness * 0.1


def shown_at(embeddings: torch.Tensor) -> float:
    """The second at which the second voice takes over; it must do so once."""
    second = (embeddings[:, 1] > embeddings[:, 0]).numpy()
    assert not second[0] and second[-1] and np.count_nonzero(np.diff(second)) == 1
    return float(np.argmax(second)) / 12.5


@settings(deadline=None, max_examples=60)
@given(
    st.floats(0, 1),
    st.sampled_from(
        [
            EmbeddingWindows(),
            EmbeddingWindows(1.5, 0.2),
            EmbeddingWindows(3.0, 0.75),
            EmbeddingWindows(0.5, 0.25),
            EmbeddingWindows(1.5, 0.2, "nearest"),
        ]
    ),
)
def test_a_step_at_t_shows_at_t(part, windowing):
    seconds = windowing.window_sec + part * (SECONDS - 2 * windowing.window_sec)  # all windows that hear it are whole
    (embeddings,) = embed_recordings(Shares(), [step_at(seconds)], windowing)
    half_hop = windowing.hop_sec / 2 if windowing.interpolation == "nearest" else 0.02
    assert abs(shown_at(embeddings) - seconds) <= 0.08 + half_hop


@settings(deadline=None, max_examples=30)
@given(st.floats(SHORTEST_SEC / 2 + 0.05, 1.0), st.booleans())
def test_a_step_near_an_end_shows_nearly_there(seconds, at_the_end):
    seconds = SECONDS - seconds if at_the_end else seconds
    (embeddings,) = embed_recordings(Shares(), [step_at(seconds)], EmbeddingWindows())
    assert abs(shown_at(embeddings) - seconds) <= 0.25


def test_a_step_by_hand():
    """Windows centred at 0.25, 0.85, 1.45, ...; of the one at 2.05 (1.3 to 2.8 s) 8 of 15 tenths lie before 2.1 s."""
    (embeddings,) = embed_recordings(Shares(), [step_at(2.1)], EmbeddingWindows(interpolation="nearest"))
    near = torch.tensor([8.0, 7.0]).double()
    torch.testing.assert_close(embeddings[25], near / near.norm(), atol=1e-4, rtol=0)  # its middle is 2.04 s
    # Between 1.45 (all but 0.1 s before) and 2.05 the frame at 1.72 s takes 0.55 and 0.45 of the two.
    (mixed,) = embed_recordings(Shares(), [step_at(2.1)], EmbeddingWindows())
    before = torch.tensor([14.0, 1.0]).double()
    expected = 0.55 * before / before.norm() + 0.45 * near / near.norm()
    torch.testing.assert_close(mixed[21], expected / expected.norm(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("samples", [FRAME, 8000, 8001, 24000, 24001, 100_000])
def test_windows_are_symmetric_inside_and_long_enough(samples):
    for windowing in (
        EmbeddingWindows(),
        EmbeddingWindows(1.5, 0.05),
        EmbeddingWindows(0.5, 3.0),
        EmbeddingWindows(10.0, 0.6),
    ):
        grid = Grid.of(windowing, RATE)
        centers = grid.centers(samples)
        assert (np.diff(centers) > 0).all() and (np.diff(centers) <= grid.hop).all()
        for center in centers:
            first, last = grid.bounds(int(center), samples)
            assert 0 <= first < last <= samples and abs((first + last) / 2 - center) <= 0.5
            assert min(samples - 1, SHORTEST_SEC * RATE) <= last - first <= windowing.window_sec * RATE
        assert centers[0] <= SHORTEST_SEC * RATE / 2 and samples - centers[-1] <= SHORTEST_SEC * RATE / 2 + 1


def test_neighbours_mix_by_nearness():
    before, after, share = neighbors(np.array([10, 20, 40]), np.array([0.0, 10, 15, 20, 35, 99]), "linear")
    assert before.tolist() == [0, 0, 0, 1, 1, 2] and after.tolist() == [0, 1, 1, 2, 2, 2]
    assert share.tolist() == [0, 0, 0.5, 0, 0.75, 0]
    assert neighbors(np.array([10, 20]), np.array([14.0, 16.0]), "nearest")[2].tolist() == [0, 1]


def test_embeddings_have_unit_length_and_silence_has_none():
    audio = noise(5 * RATE)
    audio[2 * RATE : 4 * RATE] = 0
    (embeddings,) = embed_recordings(Levels(), [audio], EmbeddingWindows())
    assert embeddings.shape == (63, 4)
    lengths = embeddings.norm(dim=1)
    assert (lengths[25:50] == 0).all()
    torch.testing.assert_close(lengths[:25], torch.ones(25))
    torch.testing.assert_close(lengths[50:], torch.ones(13))
    (nothing,) = embed_recordings(Levels(), [torch.zeros(RATE)], EmbeddingWindows())
    assert nothing.shape == (13, 4) and not nothing.any()


def test_speech_masks_and_saves_windows():
    audio = noise(20 * RATE)
    inside = torch.zeros(250, dtype=torch.bool)
    inside[25:50] = inside[125:131] = True
    (whole,) = embed_recordings(everything := Shares(), [audio], EmbeddingWindows())
    (masked,) = embed_recordings(some := Shares(), [audio], EmbeddingWindows(), speech=[inside.numpy()])
    torch.testing.assert_close(masked[inside], whole[inside])
    assert not masked[~inside].any()
    assert some.windows < 0.4 * everything.windows


def test_a_batch_equals_one_by_one():
    encoder = made_up_encoder(Levels())
    lengths = torch.tensor([5 * RATE + 77, 1, FRAME, 3 * RATE])
    audio = torch.stack([noise(int(lengths.max()), seed) for seed in range(4)])  # past a length too
    embeddings, frames = encoder.encode(audio, lengths)
    assert frames.tolist() == [63, 1, 1, 38] and embeddings.shape == (4, 63, 4)
    for row, (length, count) in enumerate(zip(lengths, frames, strict=True)):
        alone, _ = encoder.encode(audio[row : row + 1, :length], length[None])
        torch.testing.assert_close(embeddings[row, :count], alone[0])
        assert not embeddings[row, count:].any()


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 10 * RATE),
    st.lists(st.integers(1, 4 * RATE), max_size=20),
    st.sampled_from(
        [
            EmbeddingWindows(),
            EmbeddingWindows(1.5, 0.2),
            EmbeddingWindows(0.5, 2.0),
            EmbeddingWindows(4.0, 0.6, "nearest"),
        ]
    ),
)
def test_any_pieces_equal_the_whole(samples, sizes, windowing):
    encoder, audio = made_up_encoder(Levels(), windowing), noise(samples)
    edges = np.cumsum([0, *sizes]).clip(max=samples).tolist()
    pieces = [audio[a:b].numpy() for a, b in zip(edges, [*edges[1:], samples], strict=True)]
    expected, frames = encoder.encode(audio[None], torch.tensor([samples]))
    parts = np.concatenate(list(encode_chunks(encoder, pieces)))
    assert len(parts) == int(frames[0])
    np.testing.assert_allclose(parts, expected[0], atol=1e-5)


def test_streams_in_step_hold_back_no_more_than_the_lookahead():
    encoder = made_up_encoder(Levels())
    audio = torch.stack([noise(20 * FRAME * 5, seed) for seed in (1, 2)])
    expected, _ = encoder.encode(audio, torch.tensor([audio.shape[1]] * 2))
    with encoder.stream(2) as stream:
        parts, given = [], 0
        for heard, piece in enumerate(audio.split(FRAME, dim=1), 1):
            parts.append(stream.step(piece))
            given += parts[-1].shape[1]
            assert given >= heard - encoder.lookahead_frames
        assert given < 100
        parts.append(stream.end())
    torch.testing.assert_close(torch.cat(parts, dim=1), expected)


def test_later_audio_changes_no_frame_beyond_the_lookahead():
    encoder = made_up_encoder(Levels())
    audio, length = noise(10 * RATE)[None], torch.tensor([10 * RATE])
    changed = audio.clone()
    changed[:, 60 * FRAME :] = noise(10 * RATE, seed=9)[60 * FRAME :]
    before, after = encoder.encode(audio, length)[0][0], encoder.encode(changed, length)[0][0]
    same = torch.isclose(before, after).all(dim=1)
    assert encoder.lookahead_frames == 17
    assert same[: 60 - 17].all() and not same[60:].any()


def test_wrong_steps_and_cuts_are_refused():
    with made_up_encoder(Levels()).stream(2) as stream:
        for shape in ((2, 1279), (1, 1280), (2, 0)):
            with pytest.raises(ValueError, match=r"\(2, n x 1280\)"):
                stream.step(torch.zeros(shape))
    for wrong in (EmbeddingWindows.__name__, "window1.5", "latent", "window-1-hop1"):
        with pytest.raises(MimidiarError, match=r"no tap .*window1.5-hop0.6"):
            parse_tap(wrong, "campplus")
    with pytest.raises(MimidiarError, match=r"0.5 to 60 s"):
        parse_tap("window0.2-hop0.6", "campplus")
    with pytest.raises(MimidiarError, match="choose one of linear, nearest"):
        parse_tap("window1.5-hop0.6-cubic", "campplus")
    for windowing in (EmbeddingWindows(), EmbeddingWindows(2.25, 0.08, "nearest")):
        assert parse_tap(windowing.tap, "campplus") == windowing
