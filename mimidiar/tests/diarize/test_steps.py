"""The contract of all steps: chunks, look-ahead, masks, and states that are saved."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mimidiar.diarize.binarize import Binarization, Binarize
from mimidiar.diarize.clustering import Clustering
from mimidiar.diarize.pipeline import Frames, Pipeline, Session, Step, join_frames
from mimidiar.diarize.segmenter import SpeechGate, WindowedAdapter, Windowing
from mimidiar.diarize.state import load_state, reset_rows, save_state
from mimidiar.diarize.tracker import ClusterAtEnd, Oracle, Overlap
from mimidiar.models.adapter import AdapterConfig
from mimidiar.models.build import TrainedModel, build_model
from mimidiar.tests.diarize.windowed import put_windows, run_windows

DIM, FRAMES = 8, 137
WINDOWING = Windowing(20, 6)


def adapter() -> WindowedAdapter:
    torch.manual_seed(0)
    model = build_model(AdapterConfig(DIM, 16, 1, 2, 32, 0.0)).eval()
    return WindowedAdapter(TrainedModel(model, 12.5, 4.0, {}), WINDOWING)


STEPS: dict[str, Callable[[], Step]] = {
    "segmenter": adapter,
    "gate": lambda: SpeechGate(0.2),
    "clusters": lambda: ClusterAtEnd(Clustering(0.8, 0.0, 0.2, 0.0)),
    "overlap": Overlap,
    "oracle": lambda: Oracle(np.arange(FRAMES)[:, None] // 40 % 3 == np.arange(3)),
    "binarizer": lambda: Binarize(Binarization(0.5, 5, 0.24, 0.32)),
    "plain binarizer": lambda: Binarize(Binarization(0.6, 1)),
}
LATE = [name for name, make in STEPS.items() if make().lookahead_frames is not None]


def made_up(frames: int = FRAMES, batch: int = 1, seed: int = 0) -> Frames:
    """All that any step reads."""
    random = np.random.default_rng(seed)
    windows = [run_windows(lambda x: x, random.random((frames, 4)).astype(np.float32), 20, 6) for _ in range(batch)]
    return Frames(
        np.ones((batch, frames), bool),
        features=random.standard_normal((batch, frames, DIM)).astype(np.float32),
        activity=np.repeat(random.random((batch, frames // 10 + 1)) < 0.7, 10, axis=1)[:, :frames],
        embeddings=random.standard_normal((batch, frames, 5)).astype(np.float32),
        lanes=np.stack([put_windows(own, frames, WINDOWING.lanes) for own in windows]),
        posteriors=random.random((batch, frames, 3)).astype(np.float32),
    )


def chunks(frames: Frames, seed: int) -> list[Frames]:
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(frames) + 1, 9)).tolist()
    return [frames[a:b] for a, b in zip([0, *cuts], [*cuts, len(frames)], strict=True)]


def same(one: Frames, other: Frames) -> None:
    assert one.arrays().keys() == other.arrays().keys()
    for name, array in one.arrays().items():
        np.testing.assert_allclose(array, getattr(other, name), atol=1e-6, err_msg=name)


def test_a_session_without_a_recording_ends_in_no_frames() -> None:
    assert len(Session(Pipeline(tuple(make() for make in STEPS.values()))).end()) == 0


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("frames", [0, 1, 7, 19, 20, 21, FRAMES])
def test_random_chunks_equal_one_call(name: str, frames: int) -> None:
    pipeline, whole = Pipeline((STEPS[name](),)), made_up(frames)
    wanted = pipeline.run(whole)
    assert len(wanted) == frames
    for seed in range(3):
        session = Session(pipeline)
        given = [session.push(chunk) for chunk in chunks(whole, seed)]
        same(join_frames([*given, session.end()]), wanted)


@pytest.mark.parametrize("name", STEPS)
def test_what_comes_after_the_lookahead_changes_nothing(name: str) -> None:
    pipeline, frames = Pipeline((STEPS[name](),)), made_up()
    late = pipeline.steps[0].lookahead_frames
    if late is None:  # it may look at everything, and so gives nothing before the end
        assert len(Session(pipeline).push(frames)) == 0
        return
    wanted, other = pipeline.run(frames), made_up(seed=1)
    for until in (40, 81):
        session = Session(pipeline)
        given = [session.push(frames[:until])]
        assert len(given[0]) == until - late
        given += [session.push(other[until:]), session.end()]
        same(join_frames(given)[: until - late], wanted[: until - late])


@pytest.mark.parametrize("name", LATE)
def test_a_masked_row_stands_still(name: str) -> None:
    """Two recordings side by side, the second of which pauses; each comes out as if it were alone."""
    step, both = STEPS[name](), made_up(90, batch=2)
    alone = [step.step(row_of(both, row), step.init_state(1)) for row in (0, 1)]
    state, first, second, place = step.init_state(2), [], [], 0
    for start in range(0, 90, 15):
        paused = start in (15, 60)
        mask = np.array([True, not paused])
        piece = Frames(**{key: value[:, start : start + 15].copy() for key, value in both.arrays().items()})
        for key, value in piece.arrays().items():
            value[1] = getattr(both, key)[1, place : place + 15]
        before = {key: value.copy() for key, value in state.items()}
        given, state = step.step(piece, state, mask)
        first.append(row_of(given, 0))
        if paused:
            for key, value in before.items():
                assert np.array_equal(state[key][1], value[1], equal_nan=value.dtype.kind == "f")
        else:
            second.append(row_of(given, 1))
            place += 15
    same(join_frames(first), alone[0][0])
    same(join_frames(second), alone[1][0][:60])


def row_of(frames: Frames, row: int) -> Frames:
    return Frames(**{name: value[row : row + 1] for name, value in frames.arrays().items()})


@pytest.mark.parametrize("name", STEPS)
def test_a_state_survives_save_and_load(name: str, tmp_path: Path) -> None:
    step, frames = STEPS[name](), made_up()
    _, state = step.step(frames[:50], step.init_state(1))
    save_state(tmp_path / "state", state)
    same(step.step(frames[50:], load_state(tmp_path / "state"))[0], step.step(frames[50:], state)[0])


@pytest.mark.parametrize("name", LATE)
def test_a_row_that_is_reset_begins_anew(name: str) -> None:
    step, both = STEPS[name](), made_up(60, batch=2)
    _, state = step.step(both, step.init_state(2))
    state = reset_rows(state, step.init_state(2), np.array([False, True]))
    again, _ = step.step(both, state)
    same(row_of(again, 1), step.step(row_of(both, 1), step.init_state(1))[0])


@pytest.mark.parametrize("name", STEPS)
def test_nothing_is_changed_in_place(name: str) -> None:
    step, frames, untouched = STEPS[name](), made_up(), made_up()
    state = step.init_state(1)
    before = {key: value.copy() for key, value in state.items()}
    step.step(frames, state)
    same(frames, untouched)
    assert all(np.array_equal(before[key], value, equal_nan=value.dtype.kind == "f") for key, value in state.items())


def test_windows_give_what_the_model_gives_on_each() -> None:
    frames = made_up()
    segmenter = adapter()
    found = Pipeline((segmenter,)).run(frames)
    windows = run_windows(segmenter._posteriors, frames.features[0], 20, 6)
    assert np.allclose(found.lanes[0], put_windows(windows, FRAMES, WINDOWING.lanes), equal_nan=True, atol=1e-6)
    assert found.features is None and np.array_equal(found.embeddings, frames.embeddings)
