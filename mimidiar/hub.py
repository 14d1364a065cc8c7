"""One file of a model from the Hugging Face hub, kept in its cache."""

from pathlib import Path

from mimidiar.errors import MimidiarError


def fetch_file(repo: str, file: str, size: str, remedy: str) -> Path:
    """Where the file lies once it is there: downloaded, or found in the hub's cache.

    Raises MimidiarError that names the file, its `size`, the reason and the `remedy`.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(repo, file))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MimidiarError(
            f"could not fetch {file} ({size}) from huggingface.co/{repo} ({reason}); {remedy}"
        ) from None
