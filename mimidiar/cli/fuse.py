"""`mimidiar fuse`: stage 3, two stores as one."""

import click


@click.command("fuse")
@click.argument("first", type=click.Path(file_okay=False))
@click.argument("second", type=click.Path(file_okay=False))
@click.argument("out", type=click.Path(file_okay=False))
def command(first, second, out):
    """Features of FIRST and SECOND side by side, on the time axis of FIRST, as the folder OUT.

    Nothing is copied: OUT names the two, and what reads features puts each frame of SECOND where it stands in time.
    """
    from mimidiar.features.fused_store import fuse

    fused = fuse((first, second), out)
    dims = " + ".join(map(str, fused.meta["streams"]))
    click.echo(f"{out}: {len(fused)} recordings, {dims} = {fused.dim} dimensions at {fused.frame_hz:g} Hz")
