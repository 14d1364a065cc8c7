"""One thread, and a small set of made-up weights."""

import pytest

from mimidiar.torch_setup import use_one_thread


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    use_one_thread()


@pytest.fixture(scope="session")
def campplus_checkpoint(tmp_path_factory):
    """CAM++ of full size with seeded weights that are like trained ones: normalisations are no identity."""
    from safetensors.torch import save_file

    from mimidiar.tests.encoders.speaker.checkpoints import seeded_campplus

    path = tmp_path_factory.mktemp("weights") / "campplus.safetensors"
    save_file(seeded_campplus().state_dict(), path)
    return path
