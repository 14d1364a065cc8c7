"""A diarizer in one safetensors file: model, probe and tuned settings, without the weights of the encoders.

Tensors: `model.<name>` of the trained model, and `probe.<name>` if embeddings are a linear probe of the codec's frames.
Header: the headers of the model's and the probe's own files, the windows, the clustering (`linking`) and the
binarization (`decision`) with their tuning sets, and the sha256 of every file in it.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from mimidiar.diarize.binarize import Binarization
from mimidiar.diarize.clustering import Clustering
from mimidiar.diarize.pretrained import FORMAT, MODEL, PROBE, DiarizerParts, build_parts
from mimidiar.errors import MimidiarError, listed
from mimidiar.evaluation.stored import SPEECH_MARGIN_SEC
from mimidiar.evaluation.tuned import Tuned, read_tuned
from mimidiar.files import read_json, sha256_file
from mimidiar.models.build import FORMAT as MODEL_FORMAT
from mimidiar.models.projection import PROBE_FORMAT
from mimidiar.weight_files import load_weights, save_tensors

TUNE, CLUSTER_TUNE = "mimidiar eval tune", "mimidiar eval cluster tune"


@dataclass(frozen=True)
class Files:
    """The parts of a diarizer: the model, tuned.yaml of its binarization and of its clustering (else windows are
    stitched by their overlap), and the probe that maps the codec's features to embeddings."""

    model: Path | None = None
    binarization: Path | None = None
    clustering: Path | None = None
    probe: Path | None = None


def find_files(folder: Path, known: Files) -> Files:
    """Complete the given files by those of an experiment's folder (`exp/<tag>/seed<N>`, or that of one of its systems).

    MimidiarError if a necessary file is missing or exists twice.
    """
    tuned = sorted(folder.rglob("tuned.yaml"))
    found = Files(
        known.model
        or _only(folder, sorted(folder.rglob("model/model.safetensors")), "model")
        or _model_elsewhere(folder),
        known.binarization or _only(folder, [path for path in tuned if "threshold" in _values(path)], "binarization"),
        known.clustering or _only(folder, [path for path in tuned if "distance" in _values(path)], "clustering"),
        known.probe or _only(folder, sorted(folder.rglob("probe/model.safetensors")), "probe"),
    )
    if found.model is None:
        raise MimidiarError(f"{folder}: has no model/model.safetensors; train it (stage 4), or name one by --model")
    if found.binarization is None:
        raise MimidiarError(f"{folder}: has no tuned.yaml of a binarization; run `{TUNE}` (stage 5) first")
    return found if found.clustering else replace(found, probe=None)


def _only(folder: Path, paths: list[Path], what: str) -> Path | None:
    if len(paths) > 1:
        raise MimidiarError(
            f"{folder}: has {len(paths)} files of a {what}: "
            f"{listed([str(path.relative_to(folder)) for path in paths])}; give the folder of one system, or name the "
            f"file by --{what}"
        )
    return paths[0] if paths else None


def _values(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    values = document.get("values") if isinstance(document, dict) else None
    return values if isinstance(values, dict) else {}


def _model_elsewhere(folder: Path) -> Path | None:
    """The model of another recipe beside this one that predicted the windows in `folder`."""
    wanted = {read_json(path).get("model_sha256") for path in folder.rglob("windows/*/meta.json")}
    exp = next((path for path in folder.resolve().parents if path.name == "exp"), None)
    if not wanted or exp is None:
        return None
    models = exp.parents[1].glob("*/exp/**/model/model.safetensors")
    return next((path for path in models if sha256_file(path) in wanted), None)


def bundle(
    files: Files,
    out: Path,
    window_sec: float | None = None,
    hop_sec: float | None = None,
    speech_margin_sec: float | None = None,
    half: bool = False,
    allow_worse: bool = False,
) -> DiarizerParts:
    """Write a diarizer file, and return its parts.

    Windows and margin are those of tuned.yaml; else those given; else the crop length in training, half of it, and
    SPEECH_MARGIN_SEC. `half`: matrices in 16 bits. MimidiarError, before anything is written, for parts that are
    damaged, do not belong together or were tuned with other windows, and, unless `allow_worse`, for a tuning that is
    worse than a trivial baseline.
    """
    weights, model = load_weights(files.model, MODEL_FORMAT)
    more, probe = load_weights(files.probe, PROBE_FORMAT) if files.probe else ({}, None)
    tensors = {MODEL + name: value for name, value in weights.items()}
    tensors |= {PROBE + name: value for name, value in more.items()}
    tuned = {"decision": (files.binarization, read_tuned(files.binarization, Binarization, TUNE))}
    if files.clustering:
        tuned["linking"] = files.clustering, read_tuned(files.clustering, Clustering, CLUSTER_TUNE)
    if not allow_worse:
        _refuse_worse_than_trivial(*tuned["decision"])
    window_sec = _as_tuned(tuned, "window_sec", window_sec, model["crop_sec"])
    named = {"model": files.model, "linking": files.clustering, "decision": files.binarization, "probe": files.probe}
    header = {
        "format": FORMAT,
        "model": model,
        "probe": probe,
        "window_sec": window_sec,
        "hop_sec": _as_tuned(tuned, "hop_sec", hop_sec, window_sec / 2),
        "speech_margin_sec": _as_tuned(tuned, "speech_margin_sec", speech_margin_sec, SPEECH_MARGIN_SEC),
        "linking": None,
        **{name: asdict(own.values) for name, (_, own) in tuned.items()},
        "tuned_on": {name: own.tuned_on for name, (_, own) in tuned.items()},
        "sha256": {name: sha256_file(path) for name, path in named.items() if path},
    }
    tensors = {name: _halved(name, value, files.model) if half else value for name, value in tensors.items()}
    parts = build_parts(tensors, header, out)
    save_tensors(tensors, out, header)
    return parts


def _refuse_worse_than_trivial(path: Path, tuned: Tuned) -> None:
    own, trivial = tuned.found.get("frame_der"), tuned.found.get("baseline_frame_der")
    if own is not None and trivial is not None and own >= trivial:
        raise MimidiarError(
            f"{path}: a frame DER of {own:.2f} % on {tuned.tuned_on}, where a trivial baseline (one speaker) has "
            f"{trivial:.2f} %; a diarizer of it would be worse than none: train it on more, or longer, or say "
            "--allow-worse"
        )


def _as_tuned(tuned: dict[str, tuple[Path, Tuned]], key: str, given: float | None, default: float) -> float | None:
    """The value of tuned.yaml; without one `given`, else `default`. MimidiarError if `given` differs from it."""
    said = {path: own.found[key] for path, own in tuned.values() if key in own.found}
    values = set(said.values()) | (set() if given is None else {given})
    if len(values) > 1:
        where = ", ".join(f"{value} in {path}" for path, value in said.items())
        raise MimidiarError(
            f"{key} is {where}{'' if given is None else f', asked for {given:g}'}; tune again, all alike"
        )
    return values.pop() if values else default


def _halved(name: str, value: Tensor, path: Path) -> Tensor:
    """A matrix in 16 bits; vectors, such as deviations of features, span more than 16 bits do and stay as they are."""
    if value.ndim < 2 or not value.is_floating_point():
        return value
    if not value.half().isfinite().all():
        raise MimidiarError(f"{path}: {name} has numbers beyond what 16 bits hold; leave out --half")
    return value.half()
