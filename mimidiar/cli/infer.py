"""`mimidiar eval infer`: posteriors of whole recordings."""

from pathlib import Path

import click

from mimidiar.cli.options import margin_option, vad_option
from mimidiar.job_option import job_option


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("feats", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--window-sec", type=float, help="Window length in seconds.  [default: the crop length in training]")
@click.option("--hop-sec", type=float, help="Hop between windows in seconds.  [default: half a window]")
@click.option("--local", is_flag=True, help="Write unstitched windows to OUT/local.scp, for `mimidiar eval cluster`.")
@vad_option
@margin_option
@job_option
def command(model, feats, out, window_sec, hop_sec, local, vad, speech_margin_sec, job) -> None:
    """Run MODEL (model.safetensors) on the recordings of FEATS, and write speaker posteriors to OUT/posteriors.scp.

    The windows of a recording are stitched by their overlap. The computing time is written to OUT/timing.jsonl.
    """
    from mimidiar.evaluation.stored import Gate, infer
    from mimidiar.features.timing import add_cost

    if local and vad:
        raise click.UsageError("--local writes unstitched windows; give --vad to `mimidiar eval cluster`")
    add_cost(out, infer(model, feats, out, window_sec, hop_sec, job, local, Gate(vad, speech_margin_sec)))
