"""Mini LibriSpeech (OpenSLR 31) as downloaded and unpacked: <part>/<speaker>/<chapter>/<speaker>-<chapter>-<n>.flac."""

from collections.abc import Callable, Sequence
from pathlib import Path

import soundfile

from mimidiar.corpora import no_settings
from mimidiar.corpora.pack import Pack, Utterance
from mimidiar.corpora.trials import make_trials
from mimidiar.errors import MimidiarError
from mimidiar.files import disk_error

# The publishers' parts. There is no test part: the splitting rule halves the speakers of dev.
SPLIT_OF_PART = {"train-clean-5": "train", "dev-clean-2": "dev"}


DOWNLOAD_MB = 460


def download_mini_librispeech(
    downloads: str | Path, say: Callable[[str], None] = print, settings: Sequence[str] = ()
) -> Path:
    """Download and unpack mini LibriSpeech into `downloads`/mini_librispeech; an interrupted one continues."""
    from lhotse.recipes import download_librispeech

    no_settings("mini_librispeech", settings)
    target = Path(downloads) / "mini_librispeech"
    say(f"mini LibriSpeech: about {DOWNLOAD_MB} MB from openslr.org (CC BY 4.0) into {target}")
    try:
        download_librispeech(target, "mini_librispeech")
    except OSError as error:  # urllib's URLError is one, without errno
        if error.errno is not None:
            raise disk_error(error, target) from error
        message = f"{target}: the download failed ({error}); is openslr.org reachable from here?"
        raise MimidiarError(message) from error
    return target


def is_complete(root: str | Path) -> bool:
    """True when both parts are there."""
    return all((_base(Path(root)) / part).is_dir() for part in SPLIT_OF_PART)


def _base(root: Path) -> Path:
    return root / "LibriSpeech" if (root / "LibriSpeech").is_dir() else root


def read_librispeech(root: str | Path, seed: int) -> Pack:
    """Read the parts below `root` (in LibriSpeech/ or directly); trials are drawn from the dev part's speakers."""
    root = Path(root)
    base = _base(root)
    genders = _genders(base / "SPEAKERS.TXT")
    pack = Pack(origin="mini LibriSpeech (OpenSLR 31)")
    for part, split in SPLIT_OF_PART.items():
        if not (base / part).is_dir():
            raise MimidiarError(f"{base / part}: no such folder; download mini LibriSpeech again (--stage 0)")
        for path in sorted((base / part).glob("*/*/*.flac")):
            utterance = _utterance(path, genders)
            pack.utterances.append(utterance)
            pack.split[utterance.speaker] = split
    held_out = [u for u in pack.utterances if pack.split[u.speaker] == "dev"]
    pack.trials["trials_heldout"] = make_trials(held_out, seed)
    return pack


def _utterance(path: Path, genders: dict[str, str]) -> Utterance:
    speaker, chapter, _ = path.stem.split("-")
    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError as error:
        raise MimidiarError(f"{path}: cannot be read ({error}); download it again") from None
    return Utterance(
        id=f"ls-{path.stem}",
        speaker=f"ls-{speaker}",
        path=path,
        seconds=info.duration,
        session=f"ls-{speaker}-{chapter}",
        corpus="ls",
        row=f"{path.name}",
        gender=genders.get(speaker),
    )


def _genders(path: Path) -> dict[str, str]:
    """Speaker number -> 'f' or 'm' from SPEAKERS.TXT ('14 | F | train-clean-360 | ...', comments begin with ';')."""
    if not path.is_file():
        return {}
    rows = [line.split("|") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(";")]
    return {row[0].strip(): row[1].strip().lower() for row in rows if len(row) > 1}
