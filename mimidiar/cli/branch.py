"""`mimidiar train-branch`: stage 4 of a speaker branch."""

import click

from mimidiar.cli.options import DEVICE, NUMBER, PATH


@click.command()
@click.argument("folder", type=PATH)
@click.option("--speech", type=PATH, required=True, metavar="DATA", help="Set of utterances of the training speakers.")
@click.option("--turns", type=PATH, required=True, help="YAML file of turn statistics.")
@click.option(
    "--sequences", type=PATH, help="RTTM of real turns, a share of which is replayed (conversations.replay_share)."
)
@click.option("--dev", type=PATH, required=True, metavar="DATA", help="Validation set of conversations.")
@click.option(
    "--feats",
    type=PATH,
    multiple=True,
    required=True,
    help="Features of the validation set, of an encoder whose frames the branch reads; repeatable.",
)
@click.option(
    "--pool",
    type=PATH,
    help="Cache of the conversations' features and the teacher's vectors, for all runs.  [default: FOLDER/pool]",
)
@click.option("--config", type=PATH, help="YAML file of a BranchTraining.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the configuration; repeatable."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of weights, crops and dropout."
)
@click.option("--device", type=DEVICE, default="cpu", show_default=True)
@click.option("--processes", type=NUMBER, default=1, show_default=True, help="1: a branch is trained by one process.")
@click.option(
    "--num-workers",
    "workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of data loading processes for each training process.",
)
@click.option("--checkpoint", type=PATH, help="Codec weights, as for `mimidiar feats extract`.")
def command(folder, speech, config, overrides, seed, device, processes, workers, **paths):
    """Train a speaker branch into FOLDER on simulated conversations: who speaks, in every 80 ms of a codec.

    The teacher is CAM++ on the clean speech of each voice. The epoch with the lowest equal error rate of pairs of
    windows of the validation set is kept. A repeated call resumes interrupted training, as `mimidiar train` does.
    """
    from mimidiar.config import load_config
    from mimidiar.training.branch.config import BranchTraining

    settings = load_config(BranchTraining, config, overrides)
    settings.check(str(config or "configuration"))

    from mimidiar.training.processes import Machine, agreed_processes

    machine = Machine(device, agreed_processes(processes), workers)

    from mimidiar.training.branch.fit import BranchInputs, train_branch

    pool = paths.pop("pool") or folder / "pool"
    train_branch(settings, BranchInputs(speech=speech, pool=pool, **paths), folder, seed, machine)
