"""`mimidiar bundle`: a diarizer in one file."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=PATH)
@click.argument("out", metavar="OUT.safetensors", type=PATH)
@click.option("--linking", type=PATH, required=True, help="tuned.yaml of `mimidiar link tune`.")
@click.option("--decision", type=PATH, required=True, help="tuned.yaml of `mimidiar tune`.")
@click.option("--probe", type=PATH, help="A speaker probe of the codec's features, by which voices are heard.")
@click.option("--window-sec", type=float, help="Length of a window.  [default: the crop length in training]")
@click.option("--hop-sec", type=float, help="Distance between windows.  [default: half a window]")
@click.option(
    "--speech-margin-sec",
    type=float,
    default=0.5,
    show_default=True,
    help="Farther than this from what silero-vad takes for speech, nobody speaks.",
)
@click.option("--half", is_flag=True, help="Keep matrices in 16 bits.")
def command(model, out, linking, decision, probe, window_sec, hop_sec, speech_margin_sec, half):
    """Write all that `mimidiar diarize` needs, but for the encoders' weights, to OUT.safetensors.

    MODEL is a model.safetensors of `mimidiar train`: on two encoders fused, whose second tells voices apart, or on a
    codec alone, which needs --probe.
    """
    from mimidiar.diarize.diarizer_file import bundle

    parts = bundle(model, out, linking, decision, probe, window_sec, hop_sec, speech_margin_sec, half)
    names = " and ".join(encoder["encoder"] for encoder in parts.encoders)
    click.echo(f"{out}: a diarizer on {names}, {out.stat().st_size / 1e6:.2f} MB")
