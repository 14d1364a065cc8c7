"""`mimidiar eval infer`: posteriors of whole recordings."""

from pathlib import Path

import click

from mimidiar.cli.options import margin_option, vad_option
from mimidiar.job_option import job_option


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("feats", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--window-sec", type=float, help="Length of a window.  [default: the crop length in training]")
@click.option("--hop-sec", type=float, help="Distance between windows.  [default: half a window]")
@click.option("--local", is_flag=True, help="Keep the windows as they are, for `mimidiar eval cluster`: OUT/local.scp.")
@vad_option
@margin_option
@job_option
def command(model, feats, out, window_sec, hop_sec, local, vad, speech_margin_sec, job) -> None:
    """Run MODEL (model.safetensors) over the recordings of FEATS; speaker posteriors go to OUT/posteriors.scp.

    The windows of a recording are stitched by their overlap. The cost is written to OUT/timing.jsonl.
    """
    from mimidiar.diarize.stored import Gate, infer
    from mimidiar.features.timing import add_cost

    if local and vad:
        raise click.UsageError("--local keeps windows as they are; give --vad to `mimidiar eval cluster`")
    add_cost(out, infer(model, feats, out, window_sec, hop_sec, job, local, Gate(vad, speech_margin_sec)))
