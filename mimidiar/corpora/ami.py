"""The AMI Meeting Corpus: 100 hours of meetings of three to five people, CC BY 4.0, groups.inf.ed.ac.uk/ami/corpus.

Split: the official full-corpus-ASR partition (136 train, 18 dev and 16 test meetings, no speaker in two of them), which
the published figures are on; lhotse's table of it is used. IB4005 is in no part of it.

Microphone: the sum of the headsets (Mix-Headset), or the first microphone of the first array on the table (Array1-01,
SDM). Two train meetings, IS1003b and IS1007d, have no array.

Reference: `only_words` is the default. AMI has at least four sets of references that give different error rates
for the same output, so that the one used is part of a figure's protocol:

- `only_words`: from the manual annotations 1.6.2 by the rule of github.com/BUTSpeechFIT/AMI-diarization-setup, which
  BUT, pyannote and DiariZen report on: all words, no vocal sounds, words that touch are one turn, no gap is closed
  (`nxt.join_words`). What comes out is compared with the size of the published RTTM and said.
- `segments`: the transcribers' segments, with the pauses and vocal sounds within them, as in the original study.
- `rttm`: a folder with an RTTM file per meeting, as it is made for forced alignments.

The original study trained on the meetings of all three parts, and drew those to tune and report on from the same lot.
`ancestor_split` does so: train has all meetings, dev and test a tenth each of them again. That study had each meeting
three times among its recordings: here it is in the set once, and its weight is a training option (`set_weights`).

Every meeting is scored as a whole, as in the UEM of that setup.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.config import load_config
from mimidiar.corpora.conversations import Conversation, Leniency, write_conversations
from mimidiar.corpora.download import bytes_there, fetch, require_space
from mimidiar.corpora.nxt import NAME, VERSION, Annotations, find_annotations
from mimidiar.corpora.preparation import Preparation
from mimidiar.errors import MimidiarError
from mimidiar.log import log

ORIGINS = {"ami": ("AMI (Carletta 2007), meetings in English", "CC BY 4.0")}
SUFFIX = {"mix": "Mix-Headset", "sdm": "Array1-01"}
REFERENCES = ("only_words", "segments", "rttm")
SETS = ("train", "dev", "test")
NO_AUDIO = {"mix": frozenset(), "sdm": frozenset({"IS1003b", "IS1007d"})}
# Four turns of its annotation begin or end after the 2420 s of its audio.
KNOWN_LONGER = "TS3007c"
# Names of participants: sex, site, first language, number, and the role at TNO.
PARTICIPANT = re.compile(r"[FM][IET][EDO]\d{3,4}[A-Z]*")
LEAKY = "leaky: for comparison only (tuned and scored on meetings that were trained on, as in the original study)"
LEAKY_SHARE = 10  # every tenth meeting
# Turns and speaker time of the published only_words RTTM (commit 2509d893), to the millisecond.
PUBLISHED = {"train": (66816, 272748.185), "dev": (8664, 31558.655), "test": (7493, 30713.924)}
# Where audio may lie below the corpus folder: as lhotse downloads it, as the publishers' mirror has it, or flat.
PLACES = ("wav_db/{0}/audio", "amicorpus/{0}/audio", "{0}/audio", "{0}", "audio", ".")

HOST = "https://groups.inf.ed.ac.uk/ami"
ANNOTATIONS_BYTES = 22_887_865
# The publishers give none; these are the bytes that several public projects found and named.
ANNOTATIONS_SHA256 = "b56e5babb2496b8795deeeda7e71178d7fbc9963f94276cf2a3f4b56ebbc9f9d"
HOURS = {"train": 80.67, "dev": 9.67, "test": 9.06}
BYTES_PER_HOUR = 3600 * 16000 * 2


@dataclass
class AmiSettings(Leniency):
    """What `mimidiar data prepare ami --set KEY=VALUE` can set."""

    mic: str = "mix"  # mix or sdm
    reference: str = "only_words"  # only_words, segments or rttm
    rttm: str | None = None  # the folder of RTTM files that reference=rttm reads
    annotations: str | None = None  # folder or zip of the annotations, when it is not in the corpus folder
    sets: str = "train,dev,test"  # which sets to make
    prefix: str = ""  # of the sets' names: prefix=ami_mix_ makes ami_mix_train, ...
    max_speakers: int | None = None  # leave meetings with more out of train and dev: a model has no channels for them
    ancestor_split: bool = False  # train is all meetings of these sets, dev and test some again: leaky, see LEAKY


@dataclass
class AmiDownloadSettings:
    """What `mimidiar data download ami --set KEY=VALUE` can set."""

    mic: str = "mix"
    sets: str = "train,dev,test"


def prepare_ami(work: Preparation) -> list[Path]:
    """Write the sets train, dev and test; the seed changes nothing, the split being the corpus' own. MimidiarError."""
    options = work.options(AmiSettings)
    names, root = check_choices(options), work.find_root("ami")
    annotations = None if options.rttm else Annotations(options.annotations or find_annotations(root))
    reference = _reference(options, annotations)
    sets = {name: [_conversation(m, root, options.mic, reference) for m in meetings_of(name)] for name in names}
    for name, conversations in sets.items():
        sets[name] = _recorded(name, conversations, options.mic)
        if options.reference == "only_words":
            _compare_with_published(name, conversations)
    if annotations and annotations.untimed:
        log.info(f"{annotations.untimed} words of the annotations have no time and are left out")
    if options.ancestor_split:
        sets = _ancestor_split(sets)
    if options.max_speakers is not None:
        # Test keeps them: that a model has too few channels is part of its error.
        for name in sets.keys() & {"train", "dev"}:
            sets[name] = _with_few_speakers(name, sets[name], options.max_speakers)
    sets = {f"{options.prefix}{name}": conversations for name, conversations in sets.items()}
    origin = f"AMI meetings, {SUFFIX[options.mic]}, references {options.reference}"
    return write_conversations(work, "AMI", origin, sets, options, LEAKY if options.ancestor_split else None)


def _ancestor_split(sets: dict[str, list[Conversation]]) -> dict[str, list[Conversation]]:
    """All meetings as train, every tenth that can be used as dev, and the one after it as test."""
    log.info(LEAKY)
    every = [recording for conversations in sets.values() for recording in conversations]
    usable = [recording for recording in every if recording.audio.is_file() and recording.turns is not None]
    return {"train": every, "dev": usable[::LEAKY_SHARE], "test": usable[1::LEAKY_SHARE]}


def _with_few_speakers(name: str, conversations: list[Conversation], most: int) -> list[Conversation]:
    """The meetings with at most `most` speakers; the others are logged."""
    crowded = [
        recording.id for recording in conversations if len({turn.speaker for turn in recording.turns or []}) > most
    ]
    if crowded:
        log.info(f"{name}: {len(crowded)} meetings with more than {most} speakers are left out: {', '.join(crowded)}")
    return [recording for recording in conversations if recording.id not in crowded]


def check_choices(options: AmiSettings | AmiDownloadSettings) -> list[str]:
    """The names of the sets. Raises MimidiarError for a setting that is none of its choices."""
    names = [name.strip() for name in options.sets.split(",")]
    choices = [("sets", name, SETS) for name in names] + [("mic", options.mic, tuple(SUFFIX))]
    if isinstance(options, AmiSettings):
        choices.append(("reference", options.reference, REFERENCES))
        if (options.reference == "rttm") != (options.rttm is not None):
            raise MimidiarError("--set reference=rttm and --set rttm=FOLDER go together: give both, or neither")
    for key, value, known in choices:
        if value not in known:
            raise MimidiarError(f"--set {key}={value}: choose of {', '.join(known)}")
    return names


def meetings_of(name: str) -> list[str]:
    """The meetings of a set, sorted."""
    from lhotse.recipes.ami import PARTITIONS

    return sorted(PARTITIONS["full-corpus-asr"][name])


def _reference(options: AmiSettings, annotations: Annotations | None) -> Callable[[str], list[Turn] | None]:
    """meeting -> its turns, or None when it has no reference."""
    if annotations is None:
        return read_meeting_rttm(options.rttm or "").get
    return annotations.only_words if options.reference == "only_words" else annotations.segments


def read_meeting_rttm(folder: str | Path) -> dict[str, list[Turn]]:
    """meeting -> turns from every *.rttm in and below `folder`; ES2004a.Mix-Headset is taken for ES2004a.

    Speakers that are not called as in the corpus (MEE006, FTD019UID) may be called alike in two meetings: the meeting's
    name goes before theirs. Raises MimidiarError when there is none, or when two files hold the same meeting.
    """
    turns: dict[str, list[Turn]] = {}
    origin: dict[str, Path] = {}
    for file in sorted(Path(folder).rglob("*.rttm")):
        for recording, found in read_rttm(file).items():
            meeting = recording.split(".")[0]
            if meeting in origin:
                raise MimidiarError(f"{folder}: {meeting} is in {origin[meeting]} and in {file}; keep one of them")
            origin[meeting] = file
            turns[meeting] = [Turn(meeting, t.start, t.end, _name_in_corpus(t.speaker, meeting)) for t in found]
    if not turns:
        raise MimidiarError(f"{folder}: no turn in any RTTM file here; --set rttm names the folder of the references")
    return turns


def _name_in_corpus(speaker: str, meeting: str) -> str:
    return speaker if PARTICIPANT.fullmatch(speaker) else f"{meeting}-{speaker}"


def _conversation(meeting: str, root: Path, mic: str, reference: Callable[[str], list[Turn] | None]) -> Conversation:
    turns = reference(meeting)
    gender = {turn.speaker: turn.speaker[0].lower() for turn in turns or [] if PARTICIPANT.fullmatch(turn.speaker)}
    audio = find_audio(root, meeting, SUFFIX[mic])
    return Conversation(meeting, audio, turns, gender, known_longer=meeting == KNOWN_LONGER)


def find_audio(root: Path, meeting: str, suffix: str) -> Path:
    """The first of the known places that has the file; the first of all when none has."""
    paths = [root / place.format(meeting) / f"{meeting}.{suffix}.wav" for place in PLACES]
    return next((path for path in paths if path.is_file()), paths[0])


def _recorded(name: str, conversations: list[Conversation], mic: str) -> list[Conversation]:
    """Without the meetings that the publishers have no audio of."""
    never = [
        recording.id for recording in conversations if recording.id in NO_AUDIO[mic] and not recording.audio.is_file()
    ]
    if never:
        log.info(f"{name}: {', '.join(never)} left out: the corpus has no {SUFFIX[mic]} of them")
    return [recording for recording in conversations if recording.id not in never]


def _compare_with_published(name: str, conversations: list[Conversation]) -> None:
    """Log whether a whole set has the number of turns and the speaker time of the published references."""
    if any(recording.turns is None for recording in conversations):
        return
    turns = [turn for recording in conversations for turn in recording.turns or []]
    found = len(turns), round(sum(turn.duration for turn in turns), 3)
    size = "{} turns, {:.3f} s of speaker time"
    if found == PUBLISHED[name]:
        log.info(f"{name}: the reference has the size of the published only_words RTTM ({size.format(*found)})")
    else:
        log.info(
            f"WARNING: {name}: the reference has {size.format(*found)}, the published only_words RTTM "
            f"{size.format(*PUBLISHED[name])}: figures on it are not comparable with published ones"
        )


def download_ami(downloads: str | Path, settings: Sequence[str] = ()) -> Path:
    """Download annotations and audio into `downloads`/ami, in lhotse's layout. An interrupted one goes on; what is
    there is not fetched again. lhotse's own downloader is not used: it takes half a zip for a whole one.
    """
    options = load_config(AmiDownloadSettings, None, settings)
    names = check_choices(options)
    target = Path(downloads) / "ami"
    suffix = SUFFIX[options.mic]
    archive = f"{NAME}{VERSION}.zip"
    meetings = [m for name in names for m in meetings_of(name) if m not in NO_AUDIO[options.mic]]
    audio = [f"{m}/audio/{m}.{suffix}.wav" for m in meetings]
    total = sum(HOURS[name] for name in names) * BYTES_PER_HOUR + ANNOTATIONS_BYTES
    log.info(f"AMI: {len(meetings)} meetings ({suffix}) and annotations, {total / 1e9:.1f} GB from {HOST} (CC BY 4.0)")
    there = bytes_there([target / archive, *(target / "wav_db" / path for path in audio)])
    require_space(target, max(0.0, total - there), "AMI, what is missing of it")
    url = f"{HOST}/AMICorpusAnnotations/{archive}"
    fetch(url, target / archive, ANNOTATIONS_SHA256, ANNOTATIONS_BYTES)
    for path in audio:
        fetch(f"{HOST}/AMICorpusMirror/amicorpus/{path}", target / "wav_db" / path)
    return target
