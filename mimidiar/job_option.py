"""For the commands of recipes and of studies: the --job option of those that work in shares, and choices of names."""

import click

from mimidiar.errors import meant


class Named(click.Choice):
    """A choice of names; the error about an unknown one suggests the nearest."""

    def convert(self, value, param, ctx):
        """The value itself, if it is one of the names."""
        if value not in self.choices:
            self.fail(f"{value!r} is not one of {', '.join(self.choices)}{meant(value, self.choices)}", param, ctx)
        return value


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
