"""`mimidiar model bundle`: a diarizer in one file."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="EXPERIMENT|MODEL", type=PATH)
@click.argument("out", metavar="OUT.safetensors", type=PATH)
@click.option("--model", type=PATH, help="Model file, if the experiment's folder has none or several.")
@click.option("--clustering", "--linking", type=PATH, help="tuned.yaml of `mimidiar eval cluster tune`.")
@click.option("--binarization", "--decision", type=PATH, help="tuned.yaml of `mimidiar eval tune`.")
@click.option("--probe", type=PATH, help="Speaker probe (model.safetensors) that maps codec features to embeddings.")
@click.option("--window-sec", type=float, help="Window length in seconds.  [default: as tuned, else the training crop]")
@click.option("--hop-sec", type=float, help="Hop between windows in seconds.  [default: as tuned, else half a window]")
@click.option(
    "--speech-margin-sec",
    type=float,
    help="Suppress output farther than this from VAD speech, in seconds.  [default: as tuned, else 0.5]",
)
@click.option("--half", is_flag=True, help="Store matrices in 16 bits.")
@click.option("--allow-worse", is_flag=True, help="Accept a tuning that is worse than a trivial baseline (smoke runs).")
def command(
    source, out, model, clustering, binarization, probe, window_sec, hop_sec, speech_margin_sec, half, **options
):
    """Write a diarizer for `mimidiar diarize` to OUT.safetensors. The encoders' weights are not included.

    EXPERIMENT is a folder exp/<tag>/seed<N> of a recipe, or of one of its systems; it contains model, tuned files and
    probe. Without a tuned clustering, windows are stitched by their overlap. MODEL is a model.safetensors, with the
    other files as options.

    A tuning that is worse than a trivial baseline is refused, and so are windows other than those tuned with.
    """
    from mimidiar.evaluation.bundle import Files, bundle, find_files

    files = Files(model, binarization, clustering, probe)
    if source.is_dir():
        files = find_files(source, files)
    elif binarization is None:
        raise click.UsageError("MODEL needs --binarization; or give the experiment's folder instead")
    else:
        files = Files(source, binarization, clustering, probe)
    parts = bundle(files, out, window_sec, hop_sec, speech_margin_sec, half, **options)
    names = " and ".join(encoder["encoder"] for encoder in parts.encoders)
    how = "clustering" if parts.settings.clustering else "overlap"
    click.echo(f"{out}: a diarizer on {names}, speakers by {how}, {out.stat().st_size / 1e6:.2f} MB")
