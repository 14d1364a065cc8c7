"""The cost of computing: lines of several processes add up, and nothing else is changed by them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.features.timing import TIMING, Cost, add_cost, total_cost
from mimidiar.tests.conversations import make_conversations


def test_lines_add_up_over_folders(tmp_path: Path) -> None:
    add_cost(tmp_path / "a", Cost(10.0, 1.0, "cpu"))
    add_cost(tmp_path / "a", Cost(30.0, 2.0, "cpu"))
    add_cost(tmp_path / "b", Cost(20.0, 12.0, "cuda"))
    add_cost(tmp_path / "c", None)
    add_cost(tmp_path / "c", Cost(0.0, 1.0, "cpu"))  # loaded, and found nothing to do
    assert not (tmp_path / "c").exists()
    total = total_cost([tmp_path / name for name in "abc"])
    assert total == Cost(60.0, 15.0, "cpu, cuda") and total.real_time_factor == 0.25
    assert total_cost([tmp_path / "c"]) is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / TIMING).write_text('{"audio_sec": 1}\n')
    with pytest.raises(MimidiarError, match=TIMING):
        total_cost([tmp_path])


def test_infer_counts_each_second_of_audio_once(tmp_path: Path) -> None:
    import torch

    from mimidiar.features.store import META
    from mimidiar.files import read_json
    from mimidiar.models.adapter import AdapterConfig
    from mimidiar.models.build import build_model, model_header
    from mimidiar.tests.conversations import DIM, FRAME_HZ
    from mimidiar.weight_files import save_weights

    _, feats = make_conversations(tmp_path, "test", 9, seed=0)
    config = AdapterConfig(DIM, 16, 1, 2, 32, 0.0)
    torch.manual_seed(0)
    model = tmp_path / "model.safetensors"
    save_weights(build_model(config), model, model_header(config, FRAME_HZ, 4.0, read_json(feats / META)))
    for job in (["--job", "1/2"], [], []):
        line = ["infer", str(model), str(feats), str(tmp_path / "out"), *job]
        assert CliRunner().invoke(cli, line).exit_code == 0
    total = total_cost([tmp_path / "out"])
    assert len((tmp_path / "out" / TIMING).read_text().splitlines()) == 2
    assert total.audio_sec == pytest.approx(9 * 8.0) and total.compute_sec > 0
