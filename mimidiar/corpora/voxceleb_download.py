"""VoxCeleb1 from VGG, who ask for a registration: https://mm.kaist.ac.kr/datasets/voxceleb."""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mimidiar.config import load_config
from mimidiar.corpora.download import Archive, bring, fetch
from mimidiar.errors import MimidiarError

META_URL = "https://www.robots.ox.ac.uk/~vgg/data/voxceleb/meta"
META_FILES = (
    "vox1_meta.csv",
    "iden_split.txt",
    "veri_test.txt",
    "veri_test2.txt",
    "list_test_all.txt",
    "list_test_all2.txt",
    "list_test_hard.txt",
    "list_test_hard2.txt",
)
# Sums as VGG publishes them, of the pieces (dev) and of the whole (test).
MD5 = {
    "vox1_dev_wav_partaa": "e395d020928bc15670b570a21695ed96",
    "vox1_dev_wav_partab": "bbfaaccefab65d82b21903e81a8a8020",
    "vox1_dev_wav_partac": "017d579a2a96a077f40042ec33e51512",
    "vox1_dev_wav_partad": "7bb1e9f70fddc7a678fa998ea8b3ba19",
    "vox1_test_wav.zip": "185fdc63c3c739954633d50379a3d102",
}
SIZES = {"dev": (33e9, 40e9), "test": (1.1e9, 1.4e9)}  # packed, unpacked
USER, PASSWORD = "VOXCELEB_USER", "VOXCELEB_PASSWORD"
REGISTER = (
    f"VoxCeleb1 is given to those who register (https://mm.kaist.ac.kr/datasets/voxceleb): set {USER} and {PASSWORD} "
    "to what you get, or put the files {files} into {folder} yourself and run the same command again"
)


@dataclass
class VoxCelebDownload:
    """What `--set KEY=VALUE` can set."""

    parts: list[str] = field(default_factory=lambda: ["dev", "test"])  # [test], 2.5 GB, does for the baseline


def download_voxceleb1(downloads: str | Path, settings: Sequence[str] = ()) -> Path:
    """Fetch VoxCeleb1 into `downloads`/voxceleb1 and unpack it there (wav/...); an interrupted download goes on."""
    options = load_config(VoxCelebDownload, None, settings)
    if not options.parts or set(options.parts) - set(SIZES):
        raise MimidiarError(f"--set parts=[{','.join(options.parts)}]: name one or both of {', '.join(SIZES)}")
    folder = Path(downloads) / "voxceleb1"
    headers = _password()
    archives = [_archive(part) for part in options.parts]
    try:
        bring(archives, folder, f"VoxCeleb1, {' and '.join(options.parts)} part", headers)
        for name in META_FILES:
            fetch(f"{META_URL}/{name}", folder / name, headers=headers)
    except MimidiarError as error:
        if not any(f"answers {code}" in str(error) for code in (401, 403, 404)):
            raise
        files = ", ".join([path.name for archive in archives for path in archive.paths(folder)])
        raise MimidiarError(f"{error}. {REGISTER.format(files=files, folder=folder)}") from None
    return folder


def _archive(part: str) -> Archive:
    """The archive of a part, at lhotse's addresses."""
    from lhotse.recipes.voxceleb import VOXCELEB1_PARTS_URL

    urls = [url for url in VOXCELEB1_PARTS_URL if f"/vox1_{part}_wav" in url]
    return Archive(tuple((url, MD5[url.rpartition("/")[2]]) for url in urls), f"wav/.{part}.completed", *SIZES[part])


def _password() -> dict[str, str]:
    user, password = os.environ.get(USER), os.environ.get(PASSWORD)
    if not user or not password:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
