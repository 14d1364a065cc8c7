"""mimidiar train: train a diarization model."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
FOLDERS = (PATH, PATH)


@click.command()
@click.argument("folder", type=PATH)
@click.option(
    "--train", "train_sets", type=FOLDERS, multiple=True, metavar="DATA FEATS", help="A set to train on; repeatable."
)
@click.option(
    "--mixtures",
    type=PATH,
    metavar="DATA",
    help="Train on mixtures of this set's utterances, made on the fly; with mixtures in the configuration.",
)
@click.option(
    "--talks",
    type=PATH,
    metavar="DATA",
    help="Train on conversations of this set's speakers, simulated on the fly; with talks in the configuration.",
)
@click.option("--turns", type=PATH, help="With talks: YAML file of turn statistics.")
@click.option(
    "--pool",
    type=PATH,
    help="With talks: cache of their features, which models may share. [default: FOLDER/talks]",
)
@click.option("--noise", type=PATH, help="With mixtures: noises behind some, as for simulate.")
@click.option("--rirs", type=PATH, help="With mixtures: rooms for some, as for simulate.")
@click.option(
    "--dev",
    "dev_sets",
    type=FOLDERS,
    multiple=True,
    required=True,
    metavar="DATA FEATS",
    help="Validation set; the checkpoint with the lowest validation loss is kept; repeatable.",
)
@click.option("--config", type=PATH, help="YAML file of a TrainConfig.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key; repeatable.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of weights, crops and dropout."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Number of DDP processes (one GPU each on cuda); the batch size is global. [default: torchrun's, or 1]",
)
@click.option(
    "--num-workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of data loading processes for each that trains.",
)
@click.option(
    "--checkpoint",
    type=PATH,
    help="With unfreeze or mixtures: the codec's weights, as for extract.",
)
@click.option("--start-from", type=PATH, help="With unfreeze: a trained adapter's model.safetensors.")
def command(
    folder,
    train_sets,
    mixtures,
    talks,
    turns,
    pool,
    noise,
    rirs,
    dev_sets,
    config,
    overrides,
    seed,
    device,
    processes,
    num_workers,
    checkpoint,
    start_from,
) -> None:
    """Train a diarization model into FOLDER on sets of conversations, each named by its data and its features.

    Called again after an interruption, it goes on from the last whole epoch and ends in the same weights.

    \b
    Several processes, here or on several machines, share each batch:
      mimidiar train --processes 2 ...
      torchrun --nproc-per-node 2 -m mimidiar.cli train ...
    """
    from mimidiar.config import load_config
    from mimidiar.training.config import TrainConfig

    settings = load_config(TrainConfig, config, overrides)
    source = str(config or "configuration")
    settings.check(source)
    _check_source(settings, train_sets, mixtures, talks, turns)
    augmenter = _augmenter(settings, mixtures, noise, rirs)

    from mimidiar.training.processes import Machine, agreed_processes

    machine = Machine(device, agreed_processes(processes), num_workers)
    settings.check_run(source, machine.processes, [data.name for data, _ in train_sets])

    from mimidiar.training.fit import train

    on_the_fly = _on_the_fly(mixtures, augmenter, talks, turns, pool or folder / "talks")
    train(settings, train_sets, dev_sets, folder, seed, machine, checkpoint, start_from, on_the_fly)


def _on_the_fly(mixtures: Path | None, augmenter, talks: Path | None, turns: Path, pool: Path):
    """What makes the training data, where no sets are named."""
    from functools import partial

    if mixtures is not None:
        from mimidiar.training.mixtures import on_mixtures

        return partial(on_mixtures, data=mixtures, augmenter=augmenter)
    if talks is not None:
        from mimidiar.training.conversations import on_simulated

        return partial(on_simulated, data=talks, turns=turns, pool=pool)
    return None


def _check_source(settings, train_sets: tuple, mixtures: Path | None, talks: Path | None, turns: Path | None) -> None:
    """Raise MimidiarError unless it is clear what is trained on, and the configuration says how."""
    from mimidiar.errors import MimidiarError

    if sum((bool(train_sets), mixtures is not None, talks is not None)) != 1:
        raise MimidiarError(
            "name what to train on: sets by --train DATA FEATS, or utterances to mix by --mixtures DATA, or speakers "
            "to simulate conversations of by --talks DATA"
        )
    for name, folder in (("mixtures", mixtures), ("talks", talks)):
        if (getattr(settings, name) is not None) != (folder is not None):
            raise MimidiarError(f"{name} need both: --{name} DATA, and `{name}` in the configuration that says how")
    if (talks is not None) != (turns is not None):
        raise MimidiarError(
            "talks need --turns, a file that says how people take turns, and nothing else has use for it"
        )


def _augmenter(settings, mixtures: Path | None, noise: Path | None, rirs: Path | None):
    """The sounds that mixtures are augmented with. MimidiarError where there are sounds and no mixtures."""
    from mimidiar.errors import MimidiarError
    from mimidiar.simulation.augmentation import Augment, make_augmenter

    if mixtures is None and (noise or rirs):
        raise MimidiarError(f"{noise or rirs}: sounds are for mixtures alone; conversations get theirs by `simulate`")
    return make_augmenter(settings.augment or Augment(), noise, rirs)
