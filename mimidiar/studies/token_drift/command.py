"""`mimidiar study drift`: a trained codec against the frozen one."""

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
    help="""\
Seconds from the middle of each recording to decode and compare; 0: tokens alone.""",
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
