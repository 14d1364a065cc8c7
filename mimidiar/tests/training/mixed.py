"""What training on mixtures needs: utterances of tones, and written mixtures of others to watch."""

from pathlib import Path

from mimidiar.config import load_config
from mimidiar.features.extraction import extract
from mimidiar.simulation.drawn_sets import MixtureSets, write_mixture_sets
from mimidiar.tests.tones import write_tones


def make_mixtures(root: Path) -> tuple[Path, tuple[Path, Path]]:
    """The data folder to train on, and those of data and log-mel features of `sim_dev`, mixed of the set dev."""
    train = write_tones(root / "data/train", [0, 1, 2, 3], level=1.0)
    write_tones(root / "data/dev", [4, 5, 6], level=1.0)
    sets = load_config(MixtureSets, None, ["sets.dev.split=dev", "sets.dev.count=6", "sets.dev.seed=3"])
    write_mixture_sets(sets, root / "data", root / "data")
    extract(root / "data/sim_dev", root / "feats/sim_dev", "logmel", device="cpu")
    return train, (root / "data/sim_dev", root / "feats/sim_dev")
