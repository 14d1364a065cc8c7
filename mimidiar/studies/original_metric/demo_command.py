"""`mimidiar study original-metric-demo`: the original study's metric of an oracle diarizer."""

from pathlib import Path

import click

from mimidiar.studies.original_metric.command import crop_options


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("data_dirs", metavar="DATA_DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("out_dir", metavar="OUT_DIR", type=click.Path(path_type=Path))
@crop_options
def command(data_dirs, out_dir, crop_sec, crops, seed) -> None:
    """Score an oracle diarizer, its outputs in order of arrival, by the original study's metric and by DER.

    For each DATA_DIR (its ref.rttm and all.uem are read) and for all together: OUT_DIR/<set>/score.json,
    OUT_DIR/table.md, and OUT_DIR/bars.json for `mimidiar figure`.
    """
    from mimidiar.studies.original_metric.demo import demonstrate
    from mimidiar.studies.original_metric.files import CropPlan

    click.echo(demonstrate(data_dirs, out_dir, CropPlan(crop_sec, crops, seed)), nl=False)
