"""Conversations of a corpus on disk, checked and written as set folders.

All sets are checked before the first is written, and all errors are reported together: recordings without audio,
without a reference, with a reference that goes on after the end of the audio. Settings can allow each of them
(`Leniency`); recordings that are left out or cut are then logged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lhotse import SupervisionSegment

from mimidiar.annotation.turns import Region, Turn, cut_at, merge_overlaps
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import AudioInfo, measure_audio
from mimidiar.corpora.preparation import Preparation
from mimidiar.data.manifests import file_recording, write_set
from mimidiar.data.validation import require_valid
from mimidiar.errors import MimidiarError, listed
from mimidiar.files import write_json
from mimidiar.log import log

ROUNDING_SEC = 0.001  # times in RTTM have three decimals


@dataclass(frozen=True)
class Conversation:
    """One recording of a corpus. `audio` is where it should be; `turns` are None when there is no reference at all.

    `channel`: the channel of the recording in the file, from 0; None: the file has one. `uem`: the scored regions;
    None: the whole. `seconds` and `row`: the length stated by the corpus, and the place of that statement.
    """

    id: str
    audio: Path
    turns: list[Turn] | None
    gender: Mapping[str, str] = field(default_factory=dict)  # of a speaker, where the corpus says
    known_longer: bool = False  # the published reference goes on after the audio: it is cut without being asked for
    channel: int | None = None
    uem: list[Region] | None = None
    seconds: float | None = None
    row: str = ""


Found = tuple[Conversation, AudioInfo]


@dataclass
class Leniency:
    """Settings for an incomplete corpus; the settings of a corpus inherit them."""

    skip_missing: bool = False  # leave out recordings without audio or without a reference
    cut_beyond_audio: bool = False  # cut references where the audio ends


def write_conversations(
    work: Preparation,
    corpus: str,
    origin: str,
    sets: Mapping[str, list[Conversation]],
    leniency: Leniency,
    leaky: str | None = None,
) -> list[Path]:
    """Check all `sets`, write them below `work.out`, validate them and return their folders.

    For quick trials, each set contains only its first recordings with at most `work.limit` speakers together. `origin`
    describes recordings and reference in words. It is kept in corpus.json of each set, with the size of incomplete sets
    and with `leaky`, the reason why sets share recordings.
    """
    sizes = {name: len(conversations) for name, conversations in sets.items()}
    sets = {name: first_within(conversations, work.limit) for name, conversations in sets.items()}
    checked = check_conversations(corpus, sets, leniency)
    folders = [write_conversation_set(work.out / name, found) for name, found in checked.items()]
    short = [f"{name} {len(checked[name])} of {size}" for name, size in sizes.items() if len(checked[name]) < size]
    left_out = f" (of its recordings: {', '.join(short)})" if short else ""
    for folder in folders:
        write_json(folder / "corpus.json", {"origin": origin + left_out} | ({"leaky": leaky} if leaky else {}))
    require_valid(folders, allow_shared=leaky is not None)
    return folders


def write_conversation_set(folder: Path, found: Sequence[Found]) -> Path:
    """Write the set folder of checked conversations, log its size, and return it."""
    recordings = [
        file_recording(recording.id, recording.audio, SAMPLE_RATE, info.samples, recording.channel or 0, info.channels)
        for recording, info in found
    ]
    uem = {recording.id: recording.uem or [(0.0, info.seconds)] for recording, info in found}
    write_set(folder, recordings, [s for recording, _ in found for s in _supervisions(recording)], uem)
    turns = [turn for recording, _ in found for turn in recording.turns or []]
    hours, speakers = sum(info.seconds for _, info in found) / 3600, len({turn.speaker for turn in turns})
    log.info(
        f"{folder.name:6s} {len(found):4d} recordings, {hours:6.2f} h, {speakers:4d} speakers, {len(turns):6d} turns"
    )
    return folder


def check_conversations(
    corpus: str, sets: Mapping[str, list[Conversation]], leniency: Leniency
) -> dict[str, list[Found]]:
    """The conversations that can be used, with their audio's header, by set; no set is empty.

    Raises MimidiarError that names and counts all that is missing or too long, unless `leniency` allows it.
    """
    problems: list[str] = []
    sets = {name: _present(name, conversations, leniency, problems) for name, conversations in sets.items()}
    audio = {
        recording.id: _audio(recording, problems) for conversations in sets.values() for recording in conversations
    }
    beyond: list[str] = []
    cut = {
        name: [
            (_within(recording, info, beyond), info)
            for recording in conversations
            if (info := audio[recording.id]) is not None
        ]
        for name, conversations in sets.items()
    }
    if beyond:
        what = f"{len(beyond)} recording(s) with a reference that goes on after the audio: {listed(beyond, '; ')}"
        if leniency.cut_beyond_audio:
            log.info(f"{what}. It is cut there.")
        else:
            problems.append(f"{what}. Restore the audio, or cut the reference there: --set cut_beyond_audio=true")
    problems += [
        f"{name}: no recording is left" for name, conversations in cut.items() if not conversations and not problems
    ]
    if problems:
        raise MimidiarError("\n  ".join([f"{corpus}: {len(problems)} problem(s)", *problems]))
    return cut


def _present(
    name: str, conversations: list[Conversation], leniency: Leniency, problems: list[str]
) -> list[Conversation]:
    """The conversations with audio and a reference; the others are logged or become problems."""
    silent = [recording for recording in conversations if not recording.audio.is_file()]
    unlabelled = [recording for recording in conversations if recording.turns is None]
    for missing, what, place in (
        (silent, "no audio", f" (looked for {silent[0].audio})" if silent else ""),
        (unlabelled, "no reference", ""),
    ):
        if not missing:
            continue
        text = f"{name}: {len(missing)} of {len(conversations)} recordings have {what}{place}: "
        text += listed([recording.id for recording in missing])
        if leniency.skip_missing:
            log.info(f"{text}. They are left out.")
        else:
            problems.append(f"{text}. Restore them, or leave them out: --set skip_missing=true")
    return [recording for recording in conversations if recording not in silent and recording.turns is not None]


def _audio(recording: Conversation, problems: list[str]) -> AudioInfo | None:
    """The header of a conversation's audio; None, and a problem, when it is not what the corpora hold."""
    try:
        info = measure_audio(recording.audio)
    except MimidiarError as error:
        problems.append(f"{recording.id}: {error}")
        return None
    if info.sample_rate != SAMPLE_RATE or (recording.channel is None and info.channels != 1):
        problems.append(
            f"{recording.id}: {recording.audio} has {info.channels} channel(s) at {info.sample_rate} Hz, expected 1 at "
            f"{SAMPLE_RATE}; convert it, for example with `sox IN -r {SAMPLE_RATE} -c 1 OUT`"
        )
        return None
    if not 0 <= (recording.channel or 0) < info.channels:
        problems.append(
            f"{recording.id}: {recording.audio} has {info.channels} channel(s), there is no channel {recording.channel}"
        )
        return None
    return info


def _within(recording: Conversation, info: AudioInfo, beyond: list[str]) -> Conversation:
    """The conversation with its turns inside of the audio; `beyond` gets a line when more than rounding was cut."""
    turns = recording.turns or []
    late = [turn for turn in turns if turn.end > info.seconds + ROUNDING_SEC]
    if late:
        last = max(turn.end for turn in late)
        where = f"{recording.id} ({len(late)} turn(s), until {last:.3f} s; the audio lasts {info.seconds:.3f} s)"
        if recording.known_longer:
            log.info(f"{where}: the reference is cut where the audio ends, as is known of this recording")
        else:
            beyond.append(where)
    return replace(recording, turns=list(cut_at(turns, info.seconds)))


def first_within(conversations: list[Conversation], limit: int | None) -> list[Conversation]:
    """The first recordings that have at most `limit` speakers together, but at least one; all for None."""
    if limit is None:
        return conversations
    kept: list[Conversation] = []
    speakers: set[str] = set()
    for recording in conversations:
        speakers |= {turn.speaker for turn in recording.turns or []}
        if kept and len(speakers) > limit:
            break
        kept.append(recording)
    return kept


def _supervisions(recording: Conversation) -> Iterator[SupervisionSegment]:
    for k, turn in enumerate(merge_overlaps(recording.turns or [])):
        yield SupervisionSegment(
            id=f"{recording.id}-{k:04d}",
            recording_id=recording.id,
            start=turn.start,
            duration=round(turn.end - turn.start, 6),
            channel=recording.channel or 0,
            speaker=turn.speaker,
            gender=recording.gender.get(turn.speaker),
        )
