"""`mimidiar study probe`: train the linear speaker probe."""

from pathlib import Path

import click


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("feats", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="YAML file of a ProbeConfig.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key; repeatable.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of weights and order.")
def command(data, feats, folder, config, overrides, seed) -> None:
    """Train one linear layer from pooled FEATS to the speakers of DATA, into FOLDER (Exp 1.5)."""
    from mimidiar.config import load_config
    from mimidiar.studies.taps.train import ProbeConfig, train_probe

    settings = load_config(ProbeConfig, config, overrides)
    settings.check(str(config or "configuration"))
    train_probe(settings, data, feats, folder, seed)
