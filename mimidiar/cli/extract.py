"""`mimidiar extract`: stage 3."""

import click

from mimidiar.encoders.registry import ENCODERS
from mimidiar.job_option import job_option


@click.command("extract")
@click.argument("data", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
@click.option(
    "--encoder",
    type=click.Choice(list(ENCODERS)),
    default="mimi",
    show_default=True,
    help="""\
mimi: Kyutai's Mimi, from --checkpoint, $MIMI_CHECKPOINT or the hub (385 MB). mimi-mini: a small one of this package.
mimi-mini-distil: the same, distilled from CAM++ speaker embeddings.
mimi-random, mimi-random-full: untrained controls of both sizes. logmel: no codec, the positive control.
titanet, campplus: speaker encoders; TitaNet-L from --checkpoint, $TITANET_CHECKPOINT or the hub (100 MB). vad: speech
activity by silero-vad.""",
)
@click.option(
    "--tap",
    help="""\
Layer (tap) to extract: seanet, transformer.0, transformer.1, ... (25 frames a second), latent (the default), or
quantized.N: the first N codebooks (12.5 frames a second); of logmel: mel. Of a speaker encoder its windows,
window1.5-hop0.6 (the default, in seconds; 12.5 frames a second, interpolated; with -nearest at the end: not mixed; with
-speech at the end: 0 where silero-vad finds no speech).""",
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False),
    help="""\
Weights: a .safetensors file in moshi's layout; of titanet a .nemo file.""",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of an untrained encoder's weights.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--compress", is_flag=True, help="16 bits for a number, not 32: half of the disk, see egs/README.md.")
@job_option
def command(data, out, encoder, tap, checkpoint, seed, device, compress, job):
    """Features of all recordings in the data folder DATA, as Kaldi ark/scp in the folder OUT.

    OUT gets feats.*.ark, feats.scp (key per recording, float32 frames x dimensions; with --compress Kaldi's compressed
    matrices of two bytes), meta.json, and what it cost in timing.jsonl. A call that was interrupted is repeated as it
    was: finished recordings are kept. The result is the same whatever the number of jobs.
    """
    from mimidiar.features.extraction import extract
    from mimidiar.features.timing import add_cost

    done = extract(data, out, encoder, tap, checkpoint, seed, device, job, compress=compress)
    add_cost(out, done.cost)
    click.echo(done.summary(out))
