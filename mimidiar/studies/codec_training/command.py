"""`mimidiar codec`: a small Mimi, trained, judged by ear, and shipped."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
SETTINGS = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=SETTINGS)
def command():
    """Train a small Mimi, score what it decodes, and export its weights."""


@command.command(context_settings=SETTINGS)
@click.argument("folder", type=PATH)
@click.option("--train", "data", type=PATH, required=True, metavar="DATA", help="The set of utterances to train on.")
@click.option(
    "--targets", type=PATH, metavar="FEATS", help="With distillation: features of a speaker encoder of the same set."
)
@click.option(
    "--start-from",
    type=PATH,
    metavar="MODEL",
    help="Weights to start from instead of untrained ones: model.safetensors of this command, or an export of it.",
)
@click.option("--config", type=PATH, help="YAML file of a CodecConfig.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key; repeatable.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of weights, crops, codes.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="That share each batch, on a GPU each with --device cuda; default: 1, or as many as torchrun has started.",
)
@click.option(
    "--num-workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Processes that read data ahead, for each that trains.",
)
def train(folder, data, targets, start_from, config, overrides, seed, device, processes, num_workers):
    """Train a Mimi of the small size into FOLDER/model.safetensors, from nothing unless --start-from.

    5 % of the speakers (watched_share) are not trained on: they choose the epoch that is kept. Called again after an
    interruption, it goes on from the last whole epoch and ends in the same weights.
    """
    from mimidiar.config import load_config
    from mimidiar.studies.codec_training.config import CodecConfig

    settings, source = load_config(CodecConfig, config, overrides), str(config or "configuration")
    settings.check(source)

    from mimidiar.training.processes import Machine, agreed_processes
    from mimidiar.training.schedule import check_shares

    machine = Machine(device, agreed_processes(processes), num_workers)
    check_shares(source, settings.batch_size, machine.processes)

    from mimidiar.studies.codec_training.loop import train_codec

    train_codec(settings, data, folder, seed, machine, targets, start_from)


@command.command(context_settings=SETTINGS)
@click.argument("data", type=PATH)
@click.argument("out", type=PATH)
@click.option("--encoder", default="mimi-mini", show_default=True, help="A codec, as for `mimidiar extract`.")
@click.option("--checkpoint", type=PATH, help="Weights, as for `mimidiar extract`.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of an untrained encoder's weights.")
@click.option(
    "--codebooks", type=click.IntRange(min=1), multiple=True, help="Decode from so many of them as well; repeatable."
)
@click.option("--examples", type=click.IntRange(min=0), default=0, show_default=True, help="Recordings to listen to.")
@click.option("--name", metavar="SYSTEM", help="Name of the system, kept in score.json.")
def reconstruct(data, out, encoder, checkpoint, seed, codebooks, examples, name):
    """Score the sound that a Mimi decodes of the set DATA: mel distance, SI-SDR and intelligibility (STOI).

    OUT/unquantized: of what went around the codebooks, as half of the crops do in training. OUT/quantized<n>: of what
    went through n of them. OUT/examples: sound files of what went in, and of what came out.
    """
    from mimidiar.studies.codec_training.reconstruct import reconstruct as run

    run(data, out, encoder, checkpoint, seed, codebooks, examples, name, click.echo)


@command.command(context_settings=SETTINGS)
@click.argument("model", type=PATH)
@click.argument("out", type=PATH)
@click.option("--precision", type=click.Choice(["fp16", "fp32"]), default="fp16", show_default=True)
def export(model, out, precision):
    """Write the codec of MODEL (model.safetensors of `mimidiar codec train`) to OUT (.safetensors), in moshi's layout.

    `--encoder mimi-mini --checkpoint OUT` reads it, with the features of MODEL but for rounding.
    """
    from mimidiar.studies.codec_training.export import export_codec

    size = export_codec(model, out, precision)
    click.echo(f"{out}: {size / 1e6:.1f} MB")
