"""VoxConverse: 448 recordings from YouTube, mostly debates and news, of 1 to 21 speakers; evaluation only.

Its dev (216) and test (232) sets are made; there is no train set. The annotation is version 0.3 (commit 24bf60be of
github.com/joonson/voxconverse), which corrects test files of 0.2. Speakers are called spk00, spk01, ... anew in every
recording: here the recording's name goes before. Scored is the whole of every recording; the publishers give no UEM.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mimidiar.annotation.rttm import read_rttm
from mimidiar.corpora.conversations import Conversation, Leniency, write_conversations
from mimidiar.corpora.download import Archive, bring
from mimidiar.corpora.preparation import Preparation, no_settings
from mimidiar.errors import MimidiarError
from mimidiar.log import log

# Of the published RTTM files of a set: the sha256 of their names, and of their words with one space between.
PUBLISHED = {
    "dev": (
        "57dc5786c6c53efc9dadc1e3b347ca8d9d05d0bf3b8d7a38f0ca87d6647fd13b",
        "a13d96a21d6f0452ff82246728671487ce2739b6d1cd43f045f9d373409b1c0c",
    ),
    "test": (
        "fb5c819d0508d49832af749e605bed7fd06d59abe52375c373829e0562c05fb8",
        "bdd5928f92137e94d8089674f250dc28f2789f830652106a6774d9c9eb3f4c37",
    ),
}
COMMIT = "24bf60be297701cd7e4ef18550c6d390c1b87365"
ANNOTATIONS_URL = f"https://github.com/joonson/voxconverse/archive/{COMMIT}.zip"
AUDIO_URL = "https://www.robots.ox.ac.uk/~vgg/data/voxconverse/data/voxconverse_{}_wav.zip"
# The publishers give no checksums; these are of the files as several public projects found them.
AUDIO_SHA256 = {
    "dev": "e83a68b5df3bc945a3cf4544102038792ae79972753c585769e58ea677c523a8",
    "test": "472ebf1eaeb1dcb5c311b07a8b5c31bcedcccbf98f386d90a88cde2452da8c68",
}
ZIP_GB = {"dev": 2.0, "test": 4.3}
WAV_GB = {"dev": 2.4, "test": 5.1}


@dataclass
class VoxConverseSettings(Leniency):
    """What `mimidiar data prepare voxconverse --set KEY=VALUE` can set."""

    sets: str = "dev,test"  # which sets to make
    prefix: str = ""  # of the sets' names: prefix=voxconverse_ makes voxconverse_dev and voxconverse_test


def prepare_voxconverse(work: Preparation) -> list[Path]:
    """Write the sets dev and test, from <set>/**.wav and **/<set>/*.rttm of the corpus folder. MimidiarError."""
    options, root = work.options(VoxConverseSettings), work.find_root("voxconverse")
    sets = {f"{options.prefix}{name}": read_voxconverse(root, name) for name in options.sets.split(",")}
    return write_conversations(work, "VoxConverse", "VoxConverse, references v0.3", sets, options)


def read_voxconverse(root: Path, name: str) -> list[Conversation]:
    """The recordings of a set, those that lack their audio or their reference included."""
    if name not in PUBLISHED:
        raise MimidiarError(f"--set sets={name}: choose of {', '.join(PUBLISHED)}")
    audio = {path.stem: path for path in (root / name).rglob("*.wav")}
    rttm: dict[str, Path] = {}
    for path in sorted(root.rglob(f"{name}/*.rttm")):
        if rttm.setdefault(path.stem, path) != path:
            raise MimidiarError(f"{root}: {path.stem} has two references, {rttm[path.stem]} and {path}; keep one")
    if not audio or not rttm:
        what = "wav file in" if not audio else "RTTM file in any folder named so below"
        raise MimidiarError(f"{root / name}: no {what} it; run stage 0, or leave the set out with --set sets=...")
    _check_version(name, rttm)
    conversations = []
    for recording in sorted(audio.keys() | rttm.keys()):
        turns = read_rttm(rttm[recording]).get(recording) if recording in rttm else None
        own = turns and [replace(turn, speaker=f"{recording}-{turn.speaker}") for turn in turns]
        conversations.append(
            Conversation(recording, audio.get(recording, root / name / f"{recording}.wav"), own or None)
        )
    return conversations


def _check_version(name: str, rttm: dict[str, Path]) -> None:
    """Raise MimidiarError when these are the published recordings, but not with version 0.3 of their annotation."""
    names, words = PUBLISHED[name]
    if hashlib.sha256("\n".join(sorted(rttm)).encode()).hexdigest() == names and digest_of_words(rttm) != words:
        where = next(iter(rttm.values())).parent
        raise MimidiarError(
            f"{where}: this is not version 0.3 of the annotation of VoxConverse; 0.2 has errors in the test set. Fetch "
            f"{ANNOTATIONS_URL}"
        )


def digest_of_words(rttm: dict[str, Path]) -> str:
    """sha256 of the files' content in the order of their names, whatever their line ends."""
    words = [" ".join(rttm[name].read_text(encoding="utf-8").split()) for name in sorted(rttm)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def download_voxconverse(downloads: str | Path, settings: Sequence[str] = ()) -> Path:
    """Download and unpack into `downloads`/voxconverse; an interrupted one goes on, a set that is there is left."""
    no_settings("voxconverse", settings)
    target = Path(downloads) / "voxconverse"
    log.info(f"VoxConverse: {sum(ZIP_GB.values()):.1f} GB from robots.ox.ac.uk and github.com (CC BY 4.0)")
    archives = [
        Archive(((AUDIO_URL.format(name), sha256),), f"{name}/.complete", ZIP_GB[name] * 1e9, WAV_GB[name] * 1e9, name)
        for name, sha256 in AUDIO_SHA256.items()
    ]
    annotations = Archive(((ANNOTATIONS_URL, None),), f"voxconverse-{COMMIT}/.complete", 0, 0)  # half a megabyte
    bring([*archives, annotations], target, "VoxConverse")
    return target
