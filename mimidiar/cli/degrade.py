"""`mimidiar data degrade`: degraded utterances for verification trials."""

from pathlib import Path

import click

from mimidiar.job_option import job_option

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("data", type=PATH)
@click.argument("out", type=PATH)
@click.option("--config", type=PATH, required=True, help="YAML file of a Degradation: conditions by name.")
@click.option("--noise", type=PATH, help="Set of noises, as of `mimidiar data prepare musan`.  [default: pink noise]")
@click.option("--rirs", type=PATH, help="Set of room impulse responses.  [default: simulated rooms]")
@job_option
def command(data, out, config, noise, rirs, job) -> None:
    """Write the set DATA, degraded by each condition, to OUT/<condition>_<set>, with its trials.

    Utterance names are kept, so the trials of DATA also serve for clean enrolment and degraded test.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.degradation import Degradation, degrade_set, read_sounds

    degradation = load_config(Degradation, config)
    degradation.check(str(config))
    degrade_set(data, out, degradation, read_sounds(noise, rirs), job)
