"""`mimidiar data validate`: data folders checked."""

import click


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--allow-shared", is_flag=True, help="Accept sets that share speakers and recordings.")
def command(folders: tuple[str, ...], allow_shared: bool) -> None:
    """Check set FOLDERS: turns within recordings, audio as stated, UEM, and no speaker in two splits.

    Folders without a set, such as logs, are ignored.
    """
    from mimidiar.data.validation import require_valid, set_folders

    found = set_folders(folders)
    require_valid(found, allow_shared)
    click.echo(f"{len(found)} folder(s) valid: {', '.join(path.name for path in found)}")
