"""`mimidiar eval baseline`: the RTTM of a trivial baseline."""

from pathlib import Path

import click

from mimidiar.job_option import Named
from mimidiar.score.trivial_baselines import TRIVIAL_BASELINES


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("kind", metavar="KIND", type=Named(list(TRIVIAL_BASELINES)))
@click.argument("reference", metavar="REF", type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, metavar="RTTM", type=click.Path(path_type=Path), help="The RTTM to write.")
@click.option("--uem", type=click.Path(path_type=Path), help="UEM of the scored regions; always-one needs it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of random-order.")
def command(kind, reference, out, uem, seed):
    """Write the turns of a trivial baseline, from REF (RTTM file or folder) and UEM. No audio is read.

    \b
    KIND: always-one      one speaker throughout the scored regions
          oracle-vad-one  one speaker whenever anybody speaks in REF
          random-order    the turns of REF, each given to a random speaker
    """
    from mimidiar.annotation.rttm import read_rttm, write_rttm
    from mimidiar.annotation.uem import read_uem
    from mimidiar.score.trivial_baselines import make_baseline

    turns = make_baseline(kind, read_rttm(reference), None if uem is None else read_uem(uem), seed)
    write_rttm(out, turns)
    click.echo(f"{out}: {len(turns)} turns of {kind}")
