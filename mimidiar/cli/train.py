"""`mimidiar train`: stage 4."""

import functools

import click

from mimidiar.cli.options import DEVICE, NUMBER, PATH
from mimidiar.errors import MimidiarError

FOLDERS = (PATH, PATH)


@click.command()
@click.argument("folder", type=PATH)
@click.option(
    "--train", "train_sets", type=FOLDERS, multiple=True, metavar="DATA FEATS", help="Training set; repeatable."
)
@click.option(
    "--mixtures",
    type=PATH,
    metavar="DATA",
    help="Train on mixtures of this set's utterances, made on the fly; needs mixtures in the configuration.",
)
@click.option(
    "--talks",
    type=PATH,
    metavar="DATA",
    help="Train on conversations of this set's speakers, simulated on the fly; needs talks in the configuration.",
)
@click.option("--turns", type=PATH, help="With --talks: YAML file of turn statistics.")
@click.option(
    "--pool",
    type=PATH,
    help="With --talks: feature cache of the conversations, which models may share.  [default: FOLDER/talks]",
)
@click.option("--noise", type=PATH, help="With --mixtures: noises to add, as for `mimidiar data simulate`.")
@click.option("--rirs", type=PATH, help="With --mixtures: room impulse responses, as for `mimidiar data simulate`.")
@click.option(
    "--dev",
    "dev_sets",
    type=FOLDERS,
    multiple=True,
    required=True,
    metavar="DATA FEATS",
    help="Validation set; the checkpoint with the lowest validation loss is kept. Repeatable.",
)
@click.option("--config", type=PATH, help="YAML file of a TrainConfig.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the configuration; repeatable."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of weights, crops and dropout."
)
@click.option("--device", type=DEVICE, default="cpu", show_default=True)
@click.option(
    "--processes",
    type=NUMBER,
    help="Number of DDP processes (one GPU each on cuda); the batch size is global.  [default: torchrun's, or 1]",
)
@click.option(
    "--num-workers",
    "workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of data loading processes for each training process.",
)
@click.option(
    "--checkpoint", type=PATH, help="With unfreeze or mixtures: codec weights, as for `mimidiar feats extract`."
)
@click.option("--start-from", type=PATH, help="With unfreeze: model.safetensors of a trained adapter.")
def command(
    folder, train_sets, dev_sets, config, overrides, seed, device, processes, workers, checkpoint, start_from, **drawn
):
    """Train a diarization model into FOLDER on sets of conversations, each given by its data and its features.

    A repeated call resumes interrupted training from the last complete epoch, and ends in the same weights.

    \b
    Several processes, on one or several machines, share each batch:
      mimidiar train --processes 2 ...
      torchrun --nproc-per-node 2 -m mimidiar.cli train ...
    """
    from mimidiar.config import load_config
    from mimidiar.training.config import TrainConfig

    settings = load_config(TrainConfig, config, overrides)
    source = str(config or "configuration")
    settings.check(source)
    _check_source(settings, train_sets, **drawn)

    from mimidiar.training.processes import Machine, agreed_processes

    machine = Machine(device, agreed_processes(processes), workers)
    settings.check_run(source, machine.processes, [data.name for data, _ in train_sets])

    from mimidiar.training.fit import train

    on_the_fly = _on_the_fly(settings, folder / "talks", **drawn)
    train(settings, train_sets, dev_sets, folder, seed, machine, checkpoint, start_from, on_the_fly)


def _check_source(settings, train_sets, mixtures, talks, turns, noise, rirs, **_options):
    """Raise MimidiarError unless options and configuration name exactly one source of training data."""
    if sum((bool(train_sets), mixtures is not None, talks is not None)) != 1:
        raise MimidiarError(
            "give one source of training data: sets by --train DATA FEATS, utterances to mix by --mixtures DATA, or "
            "speakers for simulated conversations by --talks DATA"
        )
    for name, folder in (("mixtures", mixtures), ("talks", talks)):
        if (getattr(settings, name) is not None) != (folder is not None):
            raise MimidiarError(f"{name} need both --{name} DATA and `{name}` in the configuration")
    if (talks is not None) != (turns is not None):
        raise MimidiarError("--talks needs --turns, a file of turn statistics; nothing else uses it")
    if mixtures is None and (noise or rirs):
        raise MimidiarError(
            f"{noise or rirs}: only --mixtures uses it; `mimidiar data simulate` augments stored conversations"
        )


def _on_the_fly(settings, default_pool, mixtures, talks, turns, pool, noise, rirs):
    """The source of training data that is simulated on the fly; None with --train."""
    if mixtures is not None:
        from mimidiar.simulation.augmentation import Augment, make_augmenter
        from mimidiar.training.mixtures import on_mixtures

        augmenter = make_augmenter(settings.augment or Augment(), noise, rirs)
        return functools.partial(on_mixtures, data=mixtures, augmenter=augmenter)
    if talks is not None:
        from mimidiar.training.conversations import on_simulated

        return functools.partial(on_simulated, data=talks, turns=turns, pool=pool or default_pool)
    return None
