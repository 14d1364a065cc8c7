"""Weights of full size for the real loaders: Mimi in moshi's format, TitaNet as a `.nemo` file."""

from pathlib import Path

from mimidiar.encoders.mimi.sizes import FULL
from mimidiar.files import atomic_path
from mimidiar.tests.encoders.mimi.checkpoints import filled_mimi, save_checkpoint
from mimidiar.tests.encoders.speaker.checkpoints import save_titanet

MIMI_PARAMETERS = 79.3e6


def write_weights(folder: Path, titanet: bool = True) -> dict[str, Path]:
    """Environment variable -> the file that it may name. The codebooks are full of latents of speech: `filled_mimi`
    asserts that each of the 32 answers with more than 100 codes."""
    makers = {"MIMI_CHECKPOINT": (folder / "mimi.safetensors", _write_mimi)}
    if titanet:
        makers["TITANET_CHECKPOINT"] = (folder / "titanet.nemo", _write_titanet)
    for path, make in makers.values():
        if not path.is_file():
            with atomic_path(path) as partial:
                make(partial)
    return {name: path.resolve() for name, (path, _) in makers.items()}


def _write_mimi(path: Path) -> None:
    model = filled_mimi(FULL)
    size = sum(value.numel() for value in model.parameters())
    assert round(size, -5) == MIMI_PARAMETERS, size
    save_checkpoint(model, path)


def _write_titanet(path: Path) -> None:
    save_titanet(path)
