"""silero-vad's weights and frames, for its spec and its network. No torch here."""

import importlib.util
from pathlib import Path

from mimidiar.errors import MimidiarError

TAP = "speech"
SAMPLE_RATE, FRAME = 16000, 1280  # a label frame of 80 ms in samples
LOOKAHEAD_FRAMES = 8  # silero-vad's rule classifies a step of 32 ms at most 20 steps later


def weights_file() -> Path:
    """The weights in the wheel. The package itself is never imported: it loads torchaudio."""
    found = importlib.util.find_spec("silero_vad")
    if found is None or not found.submodule_search_locations:
        raise MimidiarError("silero-vad is not installed; run tools/install.sh, or pip install silero-vad")
    return Path(next(iter(found.submodule_search_locations))) / "data/silero_vad.jit"
