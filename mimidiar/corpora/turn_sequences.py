"""Turn sequences of real conversations, from published references without their audio, in three lists.

- `train`: VoxConverse dev; AMI's training part without the series of the twelve excerpts that are scored; three fifths
  of PriMock57. Simulated conversations that are trained on follow these.
- `quick`: the series ES2011 and IB4 of AMI's dev part, and a fifth of PriMock57; for tests.
- `quick_dev`: the series IS1008 and TS3004 of AMI's dev part, and another fifth; for validation.

A series is the meetings of one group of people, whose names differ in their last letter. The fifths are the
consultations in the order of their names, by position modulo five. AMI's and VoxConverse's test parts are in no list.

AMI's turns are those of the only_words references; PriMock57 has a TextGrid of utterances for doctor and patient each.
Turns of one speaker are joined where they touch.
"""

import math
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.textgrid import read_textgrid
from mimidiar.annotation.turns import Turn, make_turns
from mimidiar.errors import MimidiarError
from mimidiar.files import make_folder
from mimidiar.log import log

Sequences = dict[str, list[Turn]]  # recording -> its turns by start

TRAIN, QUICK, QUICK_DEV = LISTS = ("train", "quick", "quick_dev")
ARCHIVES = {
    "ami": "ami_only_words_rttm_uem_lists.tar.xz",
    "primock57": "primock57_textgrids.tar.xz",
    "voxconverse": "voxconverse_v0.3_rttm.tar.xz",
}
# Of AMI's training part, those of the excerpts that are scored.
SCORED_SERIES = ("ES2003", "EN2001", "EN2003", "EN2004", "EN2005", "EN2006", "EN2009")
# Of AMI's dev part, by the beginning of a meeting's name.
QUICK_SERIES, QUICK_DEV_SERIES = ("ES2011", "IB4"), ("IS1008", "TS3004")
FIFTHS = (QUICK, QUICK_DEV, TRAIN, TRAIN, TRAIN)


def write_sequences(refs: Path, out: Path) -> None:
    """Write `out`/<list>.rttm of each of `LISTS` from the archives in the folder `refs`. MimidiarError."""
    lists = read_sequences(refs)
    make_folder(out)
    for name, sequences in lists.items():
        write_rttm(out / f"{name}.rttm", [turn for turns in sequences.values() for turn in turns])
        hours = sum(max(turn.end for turn in turns) for turns in sequences.values()) / 3600
        log.info(
            f"{out / name}.rttm: {len(sequences)} recordings, {hours:.1f} h, {sum(map(len, sequences.values()))} turns"
        )


def read_sequences(refs: Path) -> dict[str, Sequences]:
    """List -> its recordings, which are called <corpus>-<recording>. MimidiarError for an archive that lacks."""
    for name in ARCHIVES.values():
        if not (refs / name).is_file():
            raise MimidiarError(
                f"{refs / name}: no such archive; name the folder of references that has it, and {name}"
            )
    lists: dict[str, Sequences] = {name: {} for name in LISTS}
    for corpus, read in (("ami", _ami), ("primock57", _primock57), ("voxconverse", _voxconverse)):
        with TemporaryDirectory() as folder:
            _unpack(refs / ARCHIVES[corpus], folder)
            for chosen, recording, turns in read(Path(folder)):
                name = f"{corpus}-{recording}"
                own = [replace(turn, recording=name) for turn in turns]
                lists[chosen][name] = make_turns(own, math.inf, 0.0)
    return lists


def _unpack(archive: Path, folder: str) -> None:
    try:
        with tarfile.open(archive) as stream:
            stream.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise MimidiarError(f"{archive}: no whole archive ({' '.join(str(error).split())}); fetch it again") from None


Found = Iterator[tuple[str, str, list[Turn]]]  # list, recording, turns


def _ami(folder: Path) -> Found:
    for part in ("train", "dev"):
        for meeting, turns in _recordings(folder, f"only_words/rttms/{part}"):
            if chosen := list_of_meeting(meeting, part):
                yield chosen, meeting, turns


def list_of_meeting(meeting: str, part: str) -> str | None:
    """The list of a meeting of AMI's part `train` or `dev`; None for one of a series that is scored."""
    if part == "train":
        return None if meeting[:-1] in SCORED_SERIES else TRAIN
    for chosen, series in ((QUICK, QUICK_SERIES), (QUICK_DEV, QUICK_DEV_SERIES)):
        if meeting.startswith(series):
            return chosen
    raise MimidiarError(
        f"AMI's dev part has the meeting {meeting}, of none of {', '.join(QUICK_SERIES + QUICK_DEV_SERIES)}; take the "
        "archive of the official partition"
    )


def _primock57(folder: Path) -> Found:
    turns: dict[str, list[Turn]] = defaultdict(list)
    for file in sorted(folder.rglob("*.TextGrid")):
        name, _, speaker = file.stem.rpartition("_")
        turns[name] += [replace(turn, speaker=speaker) for own in read_textgrid(file).values() for turn in own]
    for index, name in enumerate(sorted(turns)):
        yield FIFTHS[index % len(FIFTHS)], name, turns[name]


def _voxconverse(folder: Path) -> Found:
    for name, turns in _recordings(folder, "dev"):
        yield TRAIN, name, turns


def _recordings(folder: Path, below: str) -> Iterator[tuple[str, list[Turn]]]:
    files = sorted((folder / below).glob("*.rttm"))
    if not files:
        raise MimidiarError(f"the archive has no {below}/*.rttm; take that of the published references")
    for file in files:
        yield from read_rttm(file).items()
