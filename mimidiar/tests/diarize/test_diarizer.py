"""The diarizer in Python: who speaks when in tones, whatever they come as; and files that are no diarizer."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch
import yaml
from pyannote.core import Annotation, Segment, SlidingWindowFeature
from safetensors.torch import load_file

from mimidiar import Diarizer
from mimidiar.diarize.pretrained import FORMAT, read_diarizer
from mimidiar.errors import MimidiarError
from mimidiar.evaluation.bundle import Files, bundle, find_files
from mimidiar.files import sha256_file, write_json
from mimidiar.tests.diarizers import RATE, files_of, hear_what_is_loud, tones, write_diarizer, write_parts
from mimidiar.tests.speech import RATE as SPEECH_RATE
from mimidiar.tests.speech import corpus_folder, speech
from mimidiar.weight_files import load_weights, save_tensors

TALK = ((300, 8.0), (0, 2.0), (2500, 8.0), (300, 6.0))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_diarizer(tmp_path_factory.mktemp("diarizer"))


@pytest.fixture
def diarizer(file, monkeypatch) -> Diarizer:
    hear_what_is_loud(monkeypatch)
    return Diarizer.from_pretrained(file, "cpu")


def seconds_of(annotation: Annotation, speaker: str, start: float, end: float) -> float:
    return annotation.label_timeline(speaker).crop(Segment(start, end)).duration()


def check_talk(found: Annotation) -> None:
    """Turns are exact but for the windows of 4 s in which both are heard, which the model calls one speaker."""
    assert found.labels() == ["spk0", "spk1"]
    assert seconds_of(found, "spk0", 0, 6) == pytest.approx(6, abs=0.1)
    assert seconds_of(found, "spk1", 10, 16) == pytest.approx(6, abs=0.1)
    assert seconds_of(found, "spk0", 20, 24) == pytest.approx(4, abs=0.1)
    assert found.get_timeline().crop(Segment(8.1, 9.9)).duration() == 0
    assert found.get_timeline().extent().end <= 24


def test_a_file_of_any_rate_and_samples_give_the_same(diarizer, tmp_path) -> None:
    signal = tones(*TALK)
    check_talk(of_samples := diarizer(signal, RATE))
    soundfile.write(tmp_path / "talk.wav", signal, RATE, subtype="FLOAT")
    of_file = diarizer(tmp_path / "talk.wav")
    assert of_file.uri == "talk" and list(of_file.itersegments()) == list(of_samples.itersegments())
    assert diarizer(str(tmp_path / "talk.wav")) == of_file
    soundfile.write(tmp_path / "eight.wav", np.stack([soxr.resample(signal, RATE, 96000)] * 8, axis=1), 96000)
    check_talk(diarizer(tmp_path / "eight.wav"))


@pytest.mark.parametrize(
    "as_given",
    [
        lambda x: x.astype(np.float64),
        lambda x: torch.from_numpy(x)[None],
        lambda x: np.stack([x, x], axis=1),
        lambda x: np.round(x * 32768).astype(np.int16),
        lambda x: x.tolist(),
    ],
    ids=["double", "torch (1, T)", "(T, 2)", "int16", "list"],
)
def test_samples_of_all_kinds(diarizer, as_given) -> None:
    signal = tones((300, 5.0), (0, 1.0))
    assert list(diarizer(as_given(signal), RATE).itersegments()) == list(diarizer(signal, RATE).itersegments())


def test_posteriors_are_those_of_the_speakers(diarizer) -> None:
    found, posteriors = diarizer(tones(*TALK), RATE, return_posteriors=True)
    assert isinstance(posteriors, SlidingWindowFeature) and posteriors.labels == found.labels()
    assert posteriors.data.shape == (300, 2) and posteriors.sliding_window.step == 0.08
    assert posteriors.data[:70, 0].min() > 0.9 and posteriors.data[:70, 1].max() < 0.1
    assert not posteriors.data[102:123].any()


def test_numbers_of_speakers_are_kept(diarizer) -> None:
    signal = tones(*TALK)
    assert diarizer(signal, RATE, num_speakers=1).labels() == ["spk0"]
    assert len(diarizer(signal, RATE, max_speakers=1).labels()) == 1
    assert len(diarizer(signal, RATE, min_speakers=2, max_speakers=5).labels()) == 2
    with pytest.raises(MimidiarError, match="at least 3 speakers and at most 2"):
        diarizer(signal, RATE, min_speakers=3, max_speakers=2)


def test_fewer_speakers_than_asked_for_are_told(diarizer, said) -> None:
    assert len(diarizer(tones(*TALK), RATE, num_speakers=2).labels()) == 2 and not said
    assert len(diarizer(tones((300, 8.0)), RATE, min_speakers=7).labels()) < 7
    assert said == ["the samples: 1 speaker found, 7 were asked for: no others could be separated, or had a turn"]


@pytest.mark.parametrize("seconds", [0.0001, 0.05, 0.5, 20.0])
def test_where_nobody_is_heard_nobody_speaks(diarizer, seconds) -> None:
    quiet = np.random.default_rng(0).standard_normal(max(1, round(seconds * 48000))) * 0.001
    found, posteriors = diarizer(quiet, 48000, return_posteriors=True)
    assert not found and posteriors.data.shape[1] == 0


def test_a_turn_ends_with_the_recording(diarizer) -> None:
    found = diarizer(tones((300, 2.03)), RATE)
    assert found.get_timeline().extent() == Segment(0, 2.03)


@pytest.mark.parametrize(
    ("samples", "rate", "said"),
    [
        (np.zeros(0), RATE, r"shape \(0,\)"),
        (np.zeros((3, 3, 3)), RATE, r"shape \(3, 3, 3\)"),
        (np.array(["a"]), RATE, "expected numbers"),
        (np.array([0, np.nan, 0]), RATE, "sample 1 .* is not a finite number"),
        (np.zeros(10), 0, "sample_rate is 0"),
        (np.zeros(10), None, "samples need a sample_rate"),
        ("talk.wav", RATE, "leave out sample_rate"),
        ("nowhere.wav", None, "nowhere.wav: no such audio file"),
    ],
)
def test_what_is_no_signal(diarizer, samples, rate, said) -> None:
    with pytest.raises(MimidiarError, match=said):
        diarizer(samples, rate)


def test_the_number_of_threads_is_left_as_it_is(diarizer) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        diarizer(tones((300, 1.0)), RATE)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_half_of_the_bits_do_nearly_as_well(file, tmp_path, monkeypatch) -> None:
    hear_what_is_loud(monkeypatch)
    half = write_diarizer(tmp_path, half=True)
    assert half.stat().st_size < 0.75 * file.stat().st_size
    assert {str(value.dtype) for value in load_file(half).values()} == {"torch.float16", "torch.float32"}
    check_talk(Diarizer.from_pretrained(half, "cpu")(tones(*TALK), RATE))


def test_importing_mimidiar_is_light_and_diarizer_is_there() -> None:
    program = (
        "import sys, mimidiar; print(*sorted({'torch', 'numpy', 'click'} & set(sys.modules)), '|')\n"
        "from mimidiar import Diarizer; print(Diarizer.__name__)\n"
        "print(*sorted({'lightning', 'nemo', 'lhotse', 'matplotlib', 'moshi', 'pyannote'} & set(sys.modules)), '|')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["|", "Diarizer", "|"]


def remade(file: Path, tmp_path: Path, change=lambda header: None, drop: str = "", more=()) -> Path:
    tensors, header = load_weights(file, FORMAT)
    header = json.loads(json.dumps(header))
    change(header)
    tensors = {name: value for name, value in tensors.items() if name != drop} | dict(more)
    save_tensors(tensors, tmp_path / "other.safetensors", header)
    return tmp_path / "other.safetensors"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h.pop("linking"), "describes no diarizer of this version .*linking"),
        (lambda h: h["linking"].update(closeness=1), "describes no diarizer of this version .*closeness"),
        (lambda h: h["linking"].update(distance=3), "distance is 3"),
        (lambda h: h["decision"].update(median_frames=4), "median_frames is 4"),
        (lambda h: h.update(hop_sec=9.0), "a hop of 9 s does not fit windows of 4 s"),
        (lambda h: h.update(window_sec="long"), "could not convert string to float: 'long'"),
        (lambda h: h.update(speech_margin_sec=-1), "speech_margin_sec is -1"),
        (lambda h: h.update(probe=None), "reads logmel alone, which has no speaker embeddings"),
        (lambda h: h["model"]["encoder"].update(dim=7), "the probe reads 80 dimensions, logmel at mel has 7"),
        (lambda h: h["model"].pop("frame_hz"), "describes no model of this version .*frame_hz"),
        (lambda h: h.update(format="mimidiar-model-2"), f"names the format mimidiar-model-2, expected {FORMAT}"),
    ],
)
def test_what_is_wrong_with_a_header_is_named(file, tmp_path, change, said) -> None:
    with pytest.raises(MimidiarError, match=rf"other.safetensors: .*{said}"):
        read_diarizer(remade(file, tmp_path, change))


def test_what_is_wrong_with_tensors_is_named(file, tmp_path) -> None:
    with pytest.raises(MimidiarError, match=r"other.safetensors: weights do not fit .*output.bias"):
        read_diarizer(remade(file, tmp_path, drop="model.output.bias"))
    with pytest.raises(MimidiarError, match=r"other.safetensors: a probe without features.mean"):
        read_diarizer(remade(file, tmp_path, drop="probe.features.mean"))
    with pytest.raises(MimidiarError, match=r"other.safetensors: contains spare, which belongs to no part"):
        read_diarizer(remade(file, tmp_path, more={"spare": torch.zeros(1)}.items()))
    path = remade(file, tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(MimidiarError, match=r"other.safetensors: not a whole safetensors file"):
        read_diarizer(path)


def test_other_weights_than_those_it_was_trained_on_are_refused(file, tmp_path) -> None:
    path = remade(file, tmp_path, lambda h: h["model"]["encoder"].update(weights_sha256="0" * 64))
    with pytest.raises(MimidiarError, match=r"logmel: the weights at hand are .* made with .* \(00000000\)"):
        Diarizer.from_pretrained(path)
    with pytest.raises(MimidiarError, match="no weights called 'maxi'"):
        Diarizer.from_pretrained("maxi")
    with pytest.raises(MimidiarError, match=r"nowhere.safetensors: no such model file"):
        Diarizer.from_pretrained("nowhere.safetensors")


def test_parts_that_do_not_belong_together_make_no_file(tmp_path) -> None:
    files, out = files_of(write_parts(tmp_path)), tmp_path / "out.safetensors"
    with pytest.raises(MimidiarError, match="has no speaker embeddings"):
        bundle(replace(files, probe=None), out)
    with pytest.raises(MimidiarError, match=r"binarization.yaml: not the tuned.yaml of `mimidiar eval cluster tune`"):
        bundle(replace(files, clustering=files.binarization), out)
    with pytest.raises(MimidiarError, match="a hop of 5 s does not fit"):
        bundle(files, out, hop_sec=5.0)
    assert not out.exists()
    bundle(files, out, window_sec=3.0)
    _, header = load_weights(out, FORMAT)
    assert (header["window_sec"], header["hop_sec"], header["speech_margin_sec"]) == (3.0, 1.5, 0.5)
    assert header["tuned_on"] == {"linking": "made-up-dev", "decision": "made-up-dev"}
    assert set(header["sha256"]) == {"model", "linking", "decision", "probe"}


def test_what_is_shipped_is_what_was_tuned(tmp_path) -> None:
    files, out = files_of(write_parts(tmp_path)), tmp_path / "out.safetensors"
    said = {"window_sec": 3.0, "hop_sec": 1.0, "speech_margin_sec": None}
    for path in (files.binarization, files.clustering):
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | said))
    settings = bundle(files, out).settings
    assert (settings.window_sec, settings.hop_sec, settings.speech_margin_sec) == (3.0, 1.0, None)
    with pytest.raises(MimidiarError, match=r"hop_sec is 1.0 in .*yaml, asked for 2; tune again"):
        bundle(files, out, hop_sec=2.0)
    files.clustering.write_text(yaml.safe_dump(yaml.safe_load(files.clustering.read_text()) | {"window_sec": 4.0}))
    with pytest.raises(MimidiarError, match=r"window_sec is 3.0 in .*, 4.0 in .*; tune again, all alike"):
        bundle(files, out)


def test_a_tuning_that_is_worse_than_a_trivial_baseline_is_refused(tmp_path) -> None:
    files, out = files_of(write_parts(tmp_path)), tmp_path / "out.safetensors"
    for baseline, refused in ((20.0, True), (20.1, False)):
        tuned = yaml.safe_load(files.binarization.read_text())
        files.binarization.write_text(yaml.safe_dump(tuned | {"baseline_frame_der": baseline}))
        if refused:
            with pytest.raises(MimidiarError, match=r"20.00 % on made-up-dev, where a trivial baseline .* has 20.00 %"):
                bundle(files, out)
            assert bundle(files, tmp_path / "worse.safetensors", allow_worse=True).path.exists() and not out.exists()
        else:
            bundle(files, out)
    assert out.exists()


def experiment(folder: Path, parts: dict[str, Path], places: dict[str, str]) -> Path:
    for name, place in places.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(parts[name].read_bytes())
    return folder


def test_an_experiments_folder_is_enough(tmp_path) -> None:
    """As of an adapter, of a diarizer, and of a linking recipe, whose model is that of a recipe beside it."""
    parts = write_parts(tmp_path)
    adapter = {"model.safetensors": "model/model.safetensors", "binarization.yaml": "tuned/tuned.yaml"}
    folder = experiment(tmp_path / "adapter/exp/tag/seed1", parts, adapter)
    made = bundle(find_files(folder, Files()), tmp_path / "a.safetensors")
    assert made.settings.clustering is None and made.probe is None
    diarizer = adapter | {
        "binarization.yaml": "tuned/decision/tuned.yaml",
        "clustering.yaml": "tuned/linking/tuned.yaml",
        "probe.safetensors": "probe/model.safetensors",
    }
    folder = experiment(tmp_path / "diarizer/exp/tag/seed1/distil", parts, diarizer)
    made = bundle(find_files(folder, Files()), tmp_path / "b.safetensors")
    assert made.settings.clustering is not None and made.probe is not None
    experiment(folder.parent / "mimi", parts, diarizer)
    with pytest.raises(MimidiarError, match=r"has 2 files of a model: distil/model.*give the folder of one system"):
        find_files(folder.parent, Files())
    del diarizer["model.safetensors"]
    folder = experiment(tmp_path / "linking/exp/tag/seed1", parts, diarizer)
    with pytest.raises(MimidiarError, match=r"has no model/model.safetensors; train it"):
        find_files(folder, Files())
    windows = {"model_sha256": sha256_file(parts["model.safetensors"])}
    write_json(folder / "windows/dev/meta.json", windows)
    assert find_files(folder, Files()).model.name == "model.safetensors"
    (folder / "tuned/decision/tuned.yaml").unlink()
    with pytest.raises(MimidiarError, match=r"no tuned.yaml of a binarization; run `mimidiar eval tune`"):
        find_files(folder, Files())


def test_an_adapter_alone_is_a_diarizer(tmp_path, monkeypatch) -> None:
    """Windows stitched by their overlap: never more speakers than the model has outputs, and here, one."""
    hear_what_is_loud(monkeypatch)
    files = replace(files_of(write_parts(tmp_path)), clustering=None, probe=None)
    bundle(files, tmp_path / "adapter.safetensors", speech_margin_sec=0.0)
    diarizer = Diarizer.from_pretrained(tmp_path / "adapter.safetensors", "cpu")
    found = diarizer(tones(*TALK), RATE)
    with pytest.raises(MimidiarError, match=r"no clustering, .* number of speakers; leave that out"):
        diarizer(tones(*TALK), RATE, max_speakers=2)
    assert found.labels() == ["spk0"] and found.get_timeline().crop(Segment(8.1, 9.9)).duration() == 0


@pytest.mark.gpu
@pytest.mark.parametrize("model", ["mini", "mini-fusion"])
def test_a_gpu_hears_the_same(model: str) -> None:
    """The same speakers and turns, but for frames at which a posterior lies at its threshold."""
    corpus_folder()
    found = []
    for device in ("cpu", "cuda"):
        diarizer = Diarizer.from_pretrained(model, device)
        found.append(diarizer(speech(60.0), SPEECH_RATE, return_posteriors=True))
    (wanted, sure), (ours, surely) = found
    assert ours.labels() == wanted.labels() and wanted.labels()
    np.testing.assert_allclose(surely.data, sure.data, atol=0.02)
    lengths = [annotation.get_timeline().support().duration() for annotation in (wanted, ours)]
    assert lengths[1] == pytest.approx(lengths[0], abs=1.0)
