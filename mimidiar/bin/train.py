"""mimidiar train: train a diarization model."""

from pathlib import Path

import click

FOLDERS = (click.Path(path_type=Path), click.Path(path_type=Path))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--train",
    "train_sets",
    type=FOLDERS,
    multiple=True,
    required=True,
    metavar="DATA FEATS",
    help="A set to train on; repeatable.",
)
@click.option(
    "--dev",
    "dev_sets",
    type=FOLDERS,
    multiple=True,
    required=True,
    metavar="DATA FEATS",
    help="A set to watch: its loss chooses the epoch that is kept; repeatable.",
)
@click.option("--config", type=click.Path(path_type=Path), help="YAML file of a TrainConfig.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key; repeatable.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of weights, crops, dropout.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--checkpoint", type=click.Path(path_type=Path), help="With unfreeze: the codec's weights, as for extract."
)
@click.option(
    "--start-from", type=click.Path(path_type=Path), help="With unfreeze: a trained adapter's model.safetensors."
)
def command(folder, train_sets, dev_sets, config, overrides, seed, device, checkpoint, start_from) -> None:
    """Train a diarization model into FOLDER on sets of conversations, each named by its data and its features.

    Called again after an interruption, it goes on from the last whole epoch and ends in the same weights.
    """
    from mimidiar.config import load_config
    from mimidiar.train.config import TrainConfig

    settings = load_config(TrainConfig, config, overrides)
    settings.check(str(config or "configuration"))

    from mimidiar.train.fit import train

    train(settings, train_sets, dev_sets, folder, seed, device, checkpoint, start_from)
