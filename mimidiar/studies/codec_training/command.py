"""`mimidiar study codec`: a small Mimi: training, reconstruction, export."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.group()
def command():
    """Train a small Mimi, score its reconstructions, and export its weights."""


@command.command()
@click.argument("folder", type=PATH)
@click.option("--train", "data", type=PATH, required=True, metavar="DATA", help="Set of utterances to train on.")
@click.option(
    "--targets", type=PATH, metavar="FEATS", help="For distillation: features of a speaker encoder on the same set."
)
@click.option(
    "--start-from",
    type=PATH,
    metavar="MODEL",
    help="Initial weights instead of untrained ones: model.safetensors of this command, or its export.",
)
@click.option("--config", type=PATH, help="YAML file of a CodecConfig.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key; repeatable.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of weights, crops and codes."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Number of DDP processes (one GPU each) that share a batch; default: 1, or those of torchrun.",
)
@click.option(
    "--num-workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of data-loading processes for each training process.",
)
def train(folder, data, targets, start_from, config, overrides, seed, device, processes, num_workers):
    """Train a Mimi of the small size into FOLDER/model.safetensors, from scratch unless --start-from.

    5 % of the speakers (watched_share) are the validation set, whose loss chooses the epoch that is kept. Called again
    after an interruption, it continues from the last complete epoch and ends in the same weights.
    """
    from mimidiar.config import load_config
    from mimidiar.studies.codec_training.config import CodecConfig

    settings, source = load_config(CodecConfig, config, overrides), str(config or "configuration")
    settings.check(source)

    from mimidiar.training.config import check_shares
    from mimidiar.training.processes import Machine, agreed_processes

    machine = Machine(device, agreed_processes(processes), num_workers)
    check_shares(source, settings.batch_size, machine.processes)

    from mimidiar.studies.codec_training.loop import train_codec

    train_codec(settings, data, folder, seed, machine, targets, start_from)


@command.command()
@click.argument("data", type=PATH)
@click.argument("out", type=PATH)
@click.option("--encoder", default="mimi-mini", show_default=True, help="A codec, as for `mimidiar feats extract`.")
@click.option("--checkpoint", type=PATH, help="Weights, as for `mimidiar feats extract`.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of an untrained encoder's weights.")
@click.option(
    "--codebooks",
    type=click.IntRange(min=1),
    multiple=True,
    help="Number of codebooks to decode from as well; repeatable.",
)
@click.option(
    "--examples",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of recordings to write as examples.",
)
@click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")
def reconstruct(data, out, encoder, checkpoint, seed, codebooks, examples, name):
    """Score a Mimi's reconstruction of the set DATA: mel distance, SI-SDR and intelligibility (STOI).

    OUT/unquantized: without codebooks, as for half of the crops in training. OUT/quantized<n>: through n codebooks.
    OUT/examples: audio files of inputs and reconstructions.
    """
    from mimidiar.studies.codec_training.reconstruct import reconstruct as run

    run(data, out, encoder, checkpoint, seed, codebooks, examples, name)


@command.command()
@click.argument("model", type=PATH)
@click.argument("out", type=PATH)
@click.option("--precision", type=click.Choice(["fp16", "fp32"]), default="fp16", show_default=True)
def export(model, out, precision):
    """Write the codec of MODEL (model.safetensors of `mimidiar study codec train`) to OUT (.safetensors).

    OUT has moshi's layout: `--encoder mimi-mini --checkpoint OUT` reads it. Its features are those of MODEL up to
    rounding.
    """
    from mimidiar.studies.codec_training.loop import export_codec

    size = export_codec(model, out, precision)
    click.echo(f"{out}: {size / 1e6:.1f} MB")
