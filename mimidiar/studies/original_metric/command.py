"""`mimidiar study original-metric` and `original-metric-demo`: scores as in the original study, also of an oracle."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


def crop_options(command):
    """The options for the crops to score."""
    for option in (
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of crop places."),
        click.option(
            "--crops", type=click.IntRange(1), default=5, show_default=True, help="Crops of each recording, at random."
        ),
        click.option("--crop-sec", type=float, default=90.0, show_default=True, help="Length of a crop in s."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("posteriors_dir", metavar="POSTERIORS_DIR", type=PATH)
@click.argument("data_dir", metavar="DATA_DIR", type=PATH)
@click.argument("out_dir", metavar="OUT_DIR", type=PATH)
@crop_options
@click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")
def command(posteriors_dir, data_dir, out_dir, crop_sec, crops, seed, name) -> None:
    """Score posteriors (`mimidiar eval infer`) by the original study's metric: OUT_DIR/score.json, per_recording.csv.

    This is not a diarization error rate: outputs are not mapped to speakers, so that even an oracle diarizer gets tens
    of percent (`mimidiar study original-metric-demo`). It serves to reproduce the original study's table beside a true
    one. `crop_der` is the true DER of the same decisions in the same crops. For results use `mimidiar score`.
    """
    from mimidiar.studies.original_metric.files import CropPlan, in_words, original_document, write_original
    from mimidiar.studies.original_metric.posteriors import crops_of_posteriors, score_crops

    plan = CropPlan(crop_sec, crops, seed)
    score = score_crops(*crops_of_posteriors(posteriors_dir, data_dir, plan))
    document = original_document(score, plan, [data_dir / "ref.rttm"], name)
    write_original(out_dir, score, document)
    click.echo(in_words(document))


@click.command()
@click.argument("data_dirs", metavar="DATA_DIR...", nargs=-1, required=True, type=PATH)
@click.argument("out_dir", metavar="OUT_DIR", type=PATH)
@crop_options
def demo(data_dirs, out_dir, crop_sec, crops, seed) -> None:
    """Score an oracle diarizer, its outputs in order of arrival, by the original study's metric and by DER.

    For each DATA_DIR (its ref.rttm and all.uem are read) and for all together: OUT_DIR/<set>/score.json,
    OUT_DIR/table.md, and OUT_DIR/bars.json for `mimidiar figure`.
    """
    from mimidiar.studies.original_metric.files import CropPlan
    from mimidiar.studies.original_metric.posteriors import demonstrate

    click.echo(demonstrate(data_dirs, out_dir, CropPlan(crop_sec, crops, seed)), nl=False)
