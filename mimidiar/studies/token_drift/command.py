"""`mimidiar study drift`, `codebooks`: a trained codec against the frozen one, and codebooks for one without."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("model", type=PATH)
@click.argument("data", type=PATH)
@click.argument("feats", type=PATH)
@click.argument("out", type=PATH)
@click.option("--checkpoint", type=PATH, help="Weights of the features' codec.")
@click.option("--codebooks", type=PATH, help="Codebooks for a codec without, from `mimidiar study codebooks`.")
@click.option(
    "--decode-sec",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds from the middle of each recording to decode and compare; 0: tokens alone.",
)
@click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")
def command(model, data, feats, out, checkpoint, codebooks, decode_sec, name) -> None:
    """Compare the codec trained in MODEL (model.safetensors) with the frozen one: OUT/score.json, per_recording.csv.

    Token drift is the share of changed codes in each codebook; reconstruction difference is mel distance and SI-SDR of
    the decoded audio. FEATS: features of the set DATA at the tap below the trained layers.
    """
    from mimidiar.studies.token_drift.drift import measure_drift
    from mimidiar.studies.token_drift.score import drift_document, write_drift

    recordings, codes_used, protocol = measure_drift(model, data, feats, checkpoint, codebooks, decode_sec)
    document = drift_document(recordings, codes_used, name, protocol)
    write_drift(out, recordings, codes_used, document)
    click.echo(f"token drift {document['token_drift']:.2f} %, frames changed {document['frames_changed']:.2f} %")


@click.command()
@click.argument("feats", type=PATH)
@click.argument("out", type=PATH)
@click.option("--checkpoint", type=PATH, help="Weights of the features' codec.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of frames and first centers."
)
def codebooks(feats, out, checkpoint, seed) -> None:
    """Fill the codebooks of an untrained codec by k-means of the latents of FEATS; OUT/codebooks.safetensors.

    FEATS are features of the tap below the codec's last layers, as for `mimidiar train` with unfreeze.
    """
    from mimidiar.studies.token_drift.drift import make_codebooks

    path = out / "codebooks.safetensors"
    click.echo(f"{path}: filled with {make_codebooks(feats, path, checkpoint, seed)} frames")
