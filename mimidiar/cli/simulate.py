"""mimidiar simulate"""

from pathlib import Path

import click

from mimidiar.config import load_config
from mimidiar.job_option import job_option

PATH = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("data", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--config", required=True, type=click.Path(dir_okay=False), help="YAML file: the sets to make.")
@click.option("--noise", type=PATH, help="Augment with noises: a set, or what `mimidiar prepare musan` wrote.")
@click.option("--rirs", type=PATH, help="Augment with rooms: a set of impulse responses, of `mimidiar prepare rirs`.")
@job_option
@click.argument("overrides", nargs=-1)
def command(data, out, config, noise, rirs, job, overrides) -> None:
    """Make conversations from the prepared sets below DATA: OUT/sim_<name> for every set named in the configuration.

    OVERRIDES are key=value, for example sets.train.conversations=10. With --noise or --rirs a share of the
    conversations in sets that are called train... has a noise, music or babble behind it, or is heard in a room:
    augment.noise_share=0.3, augment.reverb_share=1; where the corpus tells rooms apart, each speaker has a place of
    its own in it. The references stay the same.
    """
    from mimidiar.simulation.augmentation import make_augmenter
    from mimidiar.simulation.nemo_sets import simulate_sets
    from mimidiar.simulation.options import Simulation

    simulation = load_config(Simulation, config, overrides)
    simulate_sets(simulation, data, out, job, click.echo, make_augmenter(simulation.augment, noise, rirs))
