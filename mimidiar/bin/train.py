"""mimidiar train: train the diarization adapter."""

from pathlib import Path

import click


@click.command()
@click.argument("train_data", type=click.Path(path_type=Path))
@click.argument("train_feats", type=click.Path(path_type=Path))
@click.argument("dev_data", type=click.Path(path_type=Path))
@click.argument("dev_feats", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="YAML file of a TrainConfig.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key; repeatable.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of weights, crops, dropout.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="cpu", show_default=True)
def command(train_data, train_feats, dev_data, dev_feats, folder, config, overrides, seed, device) -> None:
    """Train the adapter on TRAIN_DATA with TRAIN_FEATS, watched on DEV_DATA with DEV_FEATS, into the model FOLDER.

    Called again after an interruption, it goes on from the last whole epoch and ends in the same weights.
    """
    from mimidiar.config import load_config
    from mimidiar.train.config import TrainConfig

    settings = load_config(TrainConfig, config, overrides)
    settings.check(str(config or "configuration"))

    from mimidiar.train.fit import train

    train(settings, (train_data, train_feats), (dev_data, dev_feats), folder, seed, device)
