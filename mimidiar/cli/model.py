"""`mimidiar model`: trained models as files for others."""

import sys

import click

from mimidiar.cli.options import PATH


@click.command()
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
def bundle(source, out, model, clustering, binarization, probe, **options):
    """Write a diarizer for `mimidiar diarize` to OUT.safetensors. The encoders' weights are not included.

    EXPERIMENT is a folder exp/<tag>/seed<N> of a recipe, or of one of its systems; it contains model, tuned files and
    probe. Without a tuned clustering, windows are stitched by their overlap. MODEL is a model.safetensors, with the
    other files as options.

    A tuning that is worse than a trivial baseline is refused, and so are windows other than those tuned with.
    """
    from mimidiar.evaluation import bundle as bundles

    files = bundles.Files(model if source.is_dir() else source, binarization, clustering, probe)
    if source.is_dir():
        files = bundles.find_files(source, files)
    elif binarization is None:
        raise click.UsageError("MODEL needs --binarization; or give the experiment's folder instead")
    parts = bundles.bundle(files, out, **options)
    names = " and ".join(encoder["encoder"] for encoder in parts.encoders)
    how = "clustering" if parts.settings.clustering else "overlap"
    click.echo(f"{out}: a diarizer on {names}, speakers by {how}, {out.stat().st_size / 1e6:.2f} MB")


@click.command()
@click.argument("weights", type=PATH)
@click.argument("name")
@click.option("--card", type=PATH, required=True, metavar="TEXT.md", help="Hand-written text on use and limits.")
@click.option(
    "--results", type=PATH, multiple=True, metavar="FOLDER", help="Folder of records of these weights; repeatable."
)
@click.option(
    "--beside",
    type=PATH,
    multiple=True,
    metavar="FOLDER",
    help="Folder of records of other systems to compare with; repeatable.",
)
@click.option(
    "--out", type=PATH, metavar="DIR", help="Output folder.  [default: the folder of shipped weights in the package]"
)
@click.option("--allow-dirty", is_flag=True, help="Accept weights made by uncommitted code; their record is marked.")
def ship(weights, name, card, results, beside, out, allow_dirty):
    """Put WEIGHTS (.safetensors) into the package as NAME, with their record and model card.

    Written are DIR/NAME.safetensors, at most 12 MB; DIR/NAME.json, the record, with sha256, every command and commit
    from the data on, configuration, seed, sets and licenses, versions and metrics; and DIR/NAME.md, the card, from
    TEXT.md and the record. `mimidiar.shipped.shipped_file(NAME)` returns their paths.
    """
    from mimidiar.report import ship as shipping
    from mimidiar.shipped import ASSETS

    words, shipment = ["mimidiar", *sys.argv[1:]], shipping.Shipment(weights, name, card, results, beside)
    path = shipping.ship(shipment, out or ASSETS, words, allow_dirty)
    click.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB, with its record and card")
