"""mimidiar infer: posteriors of whole recordings."""

from pathlib import Path

import click

from mimidiar.job_option import job_option


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("feats", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--window-sec", type=float, help="Length of a window.  [default: the crop length in training]")
@click.option("--hop-sec", type=float, help="Distance between windows.  [default: half a window]")
@click.option("--local", is_flag=True, help="Keep the windows as they are, for `mimidiar link`: OUT/local.scp.")
@job_option
def command(model, feats, out, window_sec, hop_sec, local, job) -> None:
    """Run MODEL (model.safetensors) over the recordings of FEATS; speaker posteriors go to OUT/posteriors.scp.

    What it cost is in OUT/timing.jsonl.
    """
    from mimidiar.diarize.infer_windows import infer
    from mimidiar.features.timing import add_cost

    add_cost(out, infer(model, feats, out, window_sec, hop_sec, job, local))
