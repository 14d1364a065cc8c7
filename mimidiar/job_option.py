"""The --job option of the commands that work in shares."""

import click


def parse_job(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """`K/N` as (K, N), 1 <= K <= N."""
    if value is None:
        return None
    first, _, count = value.partition("/")
    if not (first.isdigit() and count.isdigit() and 1 <= int(first) <= int(count)):
        raise click.BadParameter(f"{value!r} is not K/N with 1 <= K <= N, such as 2/4")
    return int(first), int(count)


job_option = click.option(
    "--job",
    metavar="K/N",
    callback=parse_job,
    help="Do the K-th of N shares and stop; call without --job afterwards to do the rest and finish.",
)
