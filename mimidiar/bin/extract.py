"""`mimidiar extract`: stage 3."""

import click

from mimidiar.codec.encoder import ENCODERS


def parse_job(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """`K/N` as (K, N), 1 <= K <= N."""
    if value is None:
        return None
    first, _, count = value.partition("/")
    if not (first.isdigit() and count.isdigit() and 1 <= int(first) <= int(count)):
        raise click.BadParameter(f"{value!r} is not K/N with 1 <= K <= N, such as 2/4")
    return int(first), int(count)


@click.command("extract")
@click.argument("data", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--encoder", type=click.Choice(list(ENCODERS)), default="mimi", show_default=True, help="""\
mimi: Kyutai's Mimi, from --checkpoint, $MIMI_CHECKPOINT or the hub (385 MB). mimi-mini: the small one.
mimi-random, mimi-random-full: untrained controls of both sizes. logmel (tap mel): no codec, the positive control.""")
@click.option("--tap", help="""\
Where to listen (default: latent; of logmel: mel): seanet, transformer.0, transformer.1, ... (25 frames a second), latent, or quantized.N: the first N
codebooks (12.5 frames a second).""")
@click.option("--checkpoint", type=click.Path(dir_okay=False), help="Weights: a .safetensors file in moshi's layout.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of an untrained encoder's weights.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--job", metavar="K/N", callback=parse_job, help="""\
Do the K-th of N shares and stop; call without --job afterwards to do what is left and finish.""")
def command(data, out, encoder, tap, checkpoint, seed, device, job):
    """Features of all recordings in the data folder DATA, as Kaldi ark/scp in the folder OUT.

    OUT gets feats.*.ark, feats.scp (key per recording, float32 frames x dimensions) and meta.json. A call that was
    interrupted is repeated as it was: finished recordings are kept. The result is the same whatever the number of jobs.
    """
    from mimidiar.features.extract import extract

    done = extract(data, out, encoder, tap, checkpoint, seed, device, job)
    click.echo(done.summary(out))
