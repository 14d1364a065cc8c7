"""mimidiar data validate"""

import click


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--allow-shared", is_flag=True, help="Sets may share speakers and recordings.")
def command(folders: tuple[str, ...], allow_shared: bool) -> None:
    """Check set FOLDERS: turns inside recordings, audio as stated, UEM, and no speakers shared between splits.

    Of `data/*`, what holds no set (logs) is passed over.
    """
    from mimidiar.data.validation import require_valid, set_folders

    found = set_folders(folders)
    require_valid(found, allow_shared)
    click.echo(f"{len(found)} folder(s) valid: {', '.join(path.name for path in found)}")
