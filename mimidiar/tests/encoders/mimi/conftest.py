"""One thread, and a small checkpoint made once."""

import pytest

from mimidiar.encoders.mimi.sizes import MINI
from mimidiar.torch_setup import use_one_thread


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    use_one_thread()


@pytest.fixture(scope="session")
def mini_checkpoint(tmp_path_factory):
    """A weights file of mimi-mini's size with full codebooks."""
    from mimidiar.tests.encoders.mimi.checkpoints import filled_mimi, save_checkpoint

    return save_checkpoint(filled_mimi(MINI), tmp_path_factory.mktemp("weights") / "mini.safetensors")
