"""mimidiar validate"""

import click


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False))
@click.option("--allow-shared", is_flag=True, help="Sets may share speakers and recordings.")
def command(folders: tuple[str, ...], allow_shared: bool) -> None:
    """Check set FOLDERS: turns inside recordings, audio as stated, UEM, and no speakers shared between splits."""
    from mimidiar.corpora.validate import require_valid

    require_valid(folders, allow_shared)
    click.echo(f"{len(folders)} folder(s) valid")
