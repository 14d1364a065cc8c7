"""`mimidiar data simulate`: stage 2."""

from pathlib import Path

import click

from mimidiar.config import load_config
from mimidiar.job_option import job_option

PATH = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("data", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--config", required=True, type=click.Path(dir_okay=False), help="YAML file of the sets to write.")
@click.option("--noise", type=PATH, help="Noises to add: a set, or a folder of `mimidiar data prepare musan`.")
@click.option("--rirs", type=PATH, help="Set of room impulse responses, as of `mimidiar data prepare rirs`.")
@job_option
@click.argument("overrides", nargs=-1)
def command(data, out, config, noise, rirs, job, overrides) -> None:
    """Simulate conversations of the speakers in the prepared sets below DATA, with NeMo's simulator.

    Each set of the configuration is written to OUT/sim_<name>. OVERRIDES are key=value, for example
    sets.train.conversations=10. With --noise or --rirs, sets with a name like train... are augmented: noise, music or
    babble is added to a share of their conversations (augment.noise_share=0.3), and a share is reverberated
    (augment.reverb_share=1). If the corpus names the rooms, each speaker has a position in one of them. The references
    stay the same.
    """
    from mimidiar.simulation.augmentation import make_augmenter
    from mimidiar.simulation.nemo_sets import simulate_sets
    from mimidiar.simulation.plan import Simulation

    simulation = load_config(Simulation, config, overrides)
    simulate_sets(simulation, data, out, job, make_augmenter(simulation.augment, noise, rirs))
