"""Drift of a trained codec: its tokens and its audio against those of the frozen one, on a test set.

Users of Mimi's tokens (such as Moshi's language model) were trained on the frozen codec's, so that changed tokens
change their input. Both latents are computed from the same stored features, so that only the trained layers are run;
the quantizer and the decoder are the frozen ones.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mimidiar.data.recordings import RecordingFile, read_recordings
from mimidiar.encoders.mimi.codebooks import FRAMES_PER_CODE, are_empty, fill_codebooks
from mimidiar.encoders.mimi.onednn_layers import pack_layers
from mimidiar.encoders.mimi.sizes import FRAME_SAMPLES, LATENT_HZ, SAMPLE_RATE, layers_above
from mimidiar.encoders.mimi.upper_layers import STRIDE, MimiTop, top_of
from mimidiar.encoders.registry import describe_maker
from mimidiar.errors import MimidiarError
from mimidiar.evaluation.stored import check_features
from mimidiar.features.extraction import read_recording
from mimidiar.features.fused_store import Features, open_features
from mimidiar.files import sha256_file
from mimidiar.models.build import load_model
from mimidiar.studies.token_drift.score import Drift, compare_codes, compare_sound
from mimidiar.torch_setup import use_one_thread
from mimidiar.weight_files import fill, load_weights, save_weights

CODEBOOKS_FORMAT = "mimidiar-codebooks-1"


@dataclass(frozen=True)
class Codec:
    """A frozen Mimi and its layers above the tap of a store."""

    mimi: Any
    top: MimiTop

    @torch.inference_mode()
    def tokens(self, latent: Tensor) -> Tensor:
        """Latent (T, D) -> codes (K, T)."""
        return self.mimi.quantizer.encode(latent.T[None])[0]

    @torch.inference_mode()
    def decode(self, codes: Tensor) -> np.ndarray:
        """Codes (K, T) -> audio (T * 1920,)."""
        return self.mimi.decode(codes[None])[0, 0].numpy()


def open_codec(store: Features, checkpoint: Path | None) -> Codec:
    """The codec of a store of a tap below its last layers. Errors as in `describe_maker`."""
    use_one_thread()
    spec = describe_maker(store.meta, checkpoint)
    if not spec.build_codec:
        raise MimidiarError(f"{store.folder}: features of {spec.name}, which has no tokens; give those of a Mimi")
    mimi = spec.build_codec("cpu")
    pack_layers(mimi.decoder)
    return Codec(mimi, top_of(mimi, spec.size, layers_above(spec.tap, spec.size)))


def make_codebooks(feats_dir: Path, out: Path, checkpoint: Path | None, seed: int) -> int:
    """Fill the codebooks of an untrained codec with latents of the recordings of `feats_dir`; the number of frames.

    `out` (safetensors) gets the whole quantizer. MimidiarError for a codec with filled codebooks, since no model uses
    other tokens.
    """
    store = open_features(feats_dir)
    codec = open_codec(store, checkpoint)
    if not are_empty(codec.mimi.quantizer):
        raise MimidiarError(f"{store.meta['weights']}: its codebooks are filled; use those")
    wanted = FRAMES_PER_CODE * codec.mimi.quantizer.cardinality
    frames = _some_frames(store, codec.top, wanted, np.random.default_rng(seed))
    fill_codebooks(codec.mimi.quantizer, frames, seed)
    header = {"format": CODEBOOKS_FORMAT, "weights_sha256": store.meta["weights_sha256"]}
    save_weights(codec.mimi.quantizer, out, header | {"seed": seed, "frames": len(frames)})
    return len(frames)


def _some_frames(store: Features, top: MimiTop, wanted: int, random: np.random.Generator) -> Tensor:
    """At least `wanted` latent frames, or all there are, of recordings in random order; if there are enough, a fifth of
    each, as neighboring frames are similar.
    """
    names = sorted(store.keys())
    total = sum(store.num_frames(name) for name in names) // STRIDE
    every = min(max(total // wanted, 1), 5)
    found: list[Tensor] = []
    for name in random.permutation(names).tolist():
        latent = top.run(torch.from_numpy(store.read(name)))
        found.append(latent[int(random.integers(every)) :: every])
        if sum(map(len, found)) >= wanted:
            break
    return torch.cat(found)


def measure_drift(
    model_path: Path,
    data_dir: Path,
    feats_dir: Path,
    checkpoint: Path | None = None,
    codebooks: Path | None = None,
    decode_sec: float = 10.0,
) -> tuple[list[Drift], list[int], dict[str, Any]]:
    """Each recording's drift, the frozen codec's distinct codes by codebook, and the protocol for score.json.

    `codebooks`: a file of `make_codebooks`, for a codec without. `decode_sec` in the middle of each recording are
    decoded; 0: none. Raises MimidiarError for a model with a frozen codec, and for codebooks that are missing, of
    another codec or unneeded.
    """
    trained, store = load_model(model_path), open_features(feats_dir)
    check_features(trained, store, model_path)
    if trained.front is None:
        raise MimidiarError(f"{model_path}: its codec is frozen, so that nothing drifts; give a model with unfreeze")
    codec = open_codec(store, checkpoint)
    if codebooks is not None:
        _read_codebooks(codec, codebooks, store)
    elif are_empty(codec.mimi.quantizer):
        raise MimidiarError(
            f"{store.meta['weights']}: its codebooks are empty; fill them by `mimidiar study codebooks`"
        )
    files = {recording.id: recording for recording in read_recordings(data_dir)}
    found, used = [], [set() for _ in range(codec.mimi.quantizer.num_codebooks)]
    for name in tqdm(sorted(store.keys()), desc="drift", unit="rec", disable=None):
        features = torch.from_numpy(store.read(name))
        before, after = codec.top.run(features), trained.front.run(features)
        codes = codec.tokens(before), codec.tokens(after)
        for seen, row in zip(used, codes[0].tolist(), strict=True):
            seen.update(row)
        changed, frames_changed = compare_codes(codes[1].numpy(), codes[0].numpy())
        distance, variance = (after - before).square().sum(), (before - before.mean(0)).square().sum()
        sound = _sound(codec, *codes, files[name], decode_sec) if decode_sec > 0 else None
        found.append(Drift(name, len(before), changed, frames_changed, float(distance), float(variance), sound))
    return found, [len(seen) for seen in used], _protocol(store, codebooks, decode_sec, len(used))


def _read_codebooks(codec: Codec, path: Path, store: Features) -> None:
    if not are_empty(codec.mimi.quantizer):
        raise MimidiarError(f"{path}: {store.meta['weights']} has codebooks of its own; leave these out")
    tensors, header = load_weights(path, CODEBOOKS_FORMAT)
    if header["weights_sha256"] != store.meta["weights_sha256"]:
        raise MimidiarError(f"{path}: filled for another codec than {store.meta['weights']}; fill them again")
    fill(codec.mimi.quantizer, tensors, path)


def _sound(codec: Codec, before: Tensor, after: Tensor, recording: RecordingFile, seconds: float) -> Any:
    """The two codecs' audio of an excerpt in the middle, each decoded separately."""
    frames = min(before.shape[1], max(1, round(seconds * LATENT_HZ)))
    start = (before.shape[1] - frames) // 2
    span = slice(start, start + frames)
    original = read_recording(recording, SAMPLE_RATE)[start * FRAME_SAMPLES : (start + frames) * FRAME_SAMPLES]
    frozen, changed = (codec.decode(codes[:, span])[: len(original)] for codes in (before, after))
    return compare_sound(changed, frozen, original, SAMPLE_RATE)


def _protocol(store: Features, codebooks: Path | None, decode_sec: float, number: int) -> dict[str, Any]:
    return {
        "metric": "codes, latent and sound against the frozen codec",
        "codec_sha256": store.meta["weights_sha256"],
        "recordings_sha256": store.meta.get("recordings_sha256"),
        "codebooks": "k-means of training latents" if codebooks else "the codec's own",
        "codebooks_sha256": sha256_file(codebooks) if codebooks else None,
        "num_codebooks": number,
        "decode_sec": decode_sec,
        "sound": "SI-SDR; mel distance of 80 bands, floor -60 dB",
    }
