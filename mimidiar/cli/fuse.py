"""`mimidiar feats fuse`: stage 3, two stores as one."""

import click


@click.command("fuse")
@click.argument("first", type=click.Path(file_okay=False))
@click.argument("second", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
def command(first, second, out):
    """Concatenate the features of FIRST and SECOND, on the time axis of FIRST, as the store OUT.

    Nothing is copied. OUT names the two stores; their frames are aligned in time when they are read.
    """
    from mimidiar.features.fused_store import fuse

    fused = fuse((first, second), out)
    dims = " + ".join(map(str, fused.meta["streams"]))
    click.echo(f"{out}: {len(fused)} recordings, {dims} = {fused.dim} dimensions at {fused.frame_hz:g} Hz")
