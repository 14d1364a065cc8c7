"""`mimidiar feats`: features, stage 3."""

import click

from mimidiar.cli.options import DEVICE, FOLDER, path_arguments
from mimidiar.encoders.registry import ENCODERS
from mimidiar.job_option import Named, job_option


@click.command()
@path_arguments("data", "out", kind=FOLDER)
@click.option(
    "--encoder",
    type=Named(list(ENCODERS)),
    default="mimi",
    show_default=True,
    help="""\
mimi: Kyutai's Mimi, from --checkpoint, $MIMI_CHECKPOINT or the hub (385 MB). mimi-mini: a small Mimi, shipped with this
package. mimi-mini-distil: the same, distilled from CAM++ speaker embeddings. mimi-random, mimi-random-full: untrained
controls of the small and the full size. logmel: log-mel spectrogram, the positive control.
titanet, campplus: speaker encoders; TitaNet-L from --checkpoint, $TITANET_CHECKPOINT or the hub (100 MB). vad: speech
activity by silero-vad.""",
)
@click.option(
    "--tap",
    help="""\
Layer (tap) to extract: seanet, transformer.0, transformer.1, ... (25 frames a second), latent (the default), or
quantized.N: the first N codebooks (12.5 frames a second). logmel: mel. Speaker encoders: window and hop in seconds,
window1.5-hop0.6 (the default), interpolated to 12.5 frames a second. Suffix -nearest: embedding of the nearest window
instead of interpolation. Suffix -speech: 0 outside the speech that silero-vad detects.""",
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False),
    help="Weights: a .safetensors file in moshi's layout; for titanet a .nemo file.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of an untrained encoder's weights.")
@click.option("--device", type=DEVICE, default="auto", show_default=True)
@click.option("--compress", is_flag=True, help="Store features in 16 instead of 32 bits; see egs/README.md.")
@job_option
def extract(data, out, encoder, tap, checkpoint, seed, device, compress, job):
    """Extract features of all recordings in the data folder DATA, as Kaldi ark/scp in the folder OUT.

    OUT contains feats.*.ark, feats.scp (one key for each recording; float32, frames x dimensions; with --compress
    Kaldi's compressed matrices of two bytes), meta.json, and the computing time in timing.jsonl. Repeat an interrupted
    call to resume it; finished recordings are kept. The result does not depend on the number of jobs.
    """
    from mimidiar.features import extraction
    from mimidiar.features.timing import add_cost

    done = extraction.extract(data, out, encoder, tap, checkpoint, seed, device, job, compress=compress)
    add_cost(out, done.cost)
    click.echo(done.summary(out))


@click.command()
@path_arguments("first", "second", "out", kind=FOLDER)
def fuse(first, second, out):
    """Concatenate the features of FIRST and SECOND, on the time axis of FIRST, as the store OUT.

    Nothing is copied. OUT names the two stores; their frames are aligned in time when they are read.
    """
    from mimidiar.features import fused_store

    fused = fused_store.fuse((first, second), out)
    dims = " + ".join(map(str, fused.meta["streams"]))
    click.echo(f"{out}: {len(fused)} recordings, {dims} = {fused.dim} dimensions at {fused.frame_hz:g} Hz")
