"""Corpora of utterances, one speaker in each: files checked, speech found in them, sets written; and their trials."""

import random
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lhotse import SupervisionSegment
from lhotse.supervision import AlignmentItem
from tqdm import tqdm

from mimidiar.audio.corpus_audio import SAMPLE_RATE, read_corpus_audio
from mimidiar.audio.files import measure_audio
from mimidiar.corpora.preparation import Preparation
from mimidiar.data.manifests import Trial, file_recording, write_set
from mimidiar.data.splits import hash_order
from mimidiar.encoders.vad import speech_segments
from mimidiar.errors import SHOWN, MimidiarError, listed
from mimidiar.files import write_json
from mimidiar.log import log

Alignment = dict[str, list[AlignmentItem]]  # what kind of items ('vad', 'word') -> items
UTTERANCES_AT_LIMIT = 10
# Hours that silero-vad takes for an hour of audio, 64 utterances at a time on one core (1/440 was measured).
VAD_RATE = 1 / 300
TARGETS_PER_SPEAKER = 20
NONTARGETS_PER_TARGET = 3


@dataclass(frozen=True)
class Utterance:
    """One utterance of a corpus; `seconds` is the length stated by the corpus in `row` (for messages)."""

    id: str
    speaker: str
    path: Path
    seconds: float
    session: str
    corpus: str
    row: str
    gender: str | None = None
    text: str | None = None


def refuse_or_skip(corpus: str, missing: Sequence[str], total: int, what: str, skip: bool) -> None:
    """Log missing files if they are skipped, else raise a MimidiarError that names and counts them."""
    if not missing:
        return
    text = f"{corpus}: {len(missing)} of {total} {what} missing: {listed(missing)}"
    if not skip:
        raise MimidiarError(f"{text}. Restore what is missing, or leave it out: --set skip_missing=true")
    log.info(f"{text}. Left out.")


def with_lengths(corpus: str, utterances: Sequence[Utterance], skip_missing: bool) -> list[Utterance]:
    """The utterances with the length of their file's header; utterances with a missing file are left out.

    Raises MimidiarError that names and counts missing files (unless they are to be skipped), and all files that are no
    16 kHz mono audio.
    """
    found, missing, wrong = [], [], []
    for utterance in tqdm(utterances, desc=f"{corpus}: headers", unit="file", disable=None):
        if not utterance.path.is_file():
            missing.append(str(utterance.path))
            continue
        try:
            info = measure_audio(utterance.path)
        except MimidiarError as error:
            wrong.append(str(error))
            continue
        if (info.sample_rate, info.channels) != (SAMPLE_RATE, 1):
            wrong.append(f"{utterance.path}: {info.channels} channel(s) at {info.sample_rate} Hz, expected 1 at 16000")
        found.append(replace(utterance, seconds=info.seconds))
    if wrong:
        rest = f"\n  ... and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        shown = "".join(f"\n  {text}" for text in wrong[:SHOWN])
        raise MimidiarError(
            f"{corpus}: {len(wrong)} of {len(utterances)} files cannot be used; unpack them again:{shown}{rest}"
        )
    refuse_or_skip(corpus, missing, len(utterances), "audio files are", skip_missing)
    return found


def find_speech(utterances: Sequence[Utterance]) -> dict[str, Alignment]:
    """Utterance id -> alignment 'vad' by silero-vad; utterances without any are named and left out."""
    hours = sum(u.seconds for u in utterances) / 3600
    log.info(f"speech segments of {hours:.1f} h by silero-vad: about {hours * VAD_RATE * 60:.0f} min on one core")
    # By length: those that are looked at together wait for the longest.
    utterances = sorted(utterances, key=lambda utterance: (utterance.seconds, utterance.id))
    progress = tqdm(utterances, desc="speech segments", unit="utt", disable=None)
    audio = (read_corpus_audio(u.path, u.seconds, u.row) for u in progress)
    found = {u.id: regions for u, regions in zip(utterances, speech_segments(audio), strict=True)}
    silent = sorted(name for name, regions in found.items() if not regions)
    if silent:
        log.info(f"no speech was found in {len(silent)} of {len(found)} utterances: {listed(silent)}")
    items = {name: [AlignmentItem("speech", a, round(b - a, 6)) for a, b in regions] for name, regions in found.items()}
    return {name: {"vad": own} for name, own in items.items() if own}


def write_utterance_sets(
    work: Preparation,
    about: Mapping[str, str],
    sets: Mapping[str, Sequence[Utterance]],
    alignments: Mapping[str, Alignment],
    trials: Mapping[str, Sequence[Trial]] | None = None,
) -> list[Path]:
    """Write the sets below `work.out` and return their folders.

    An utterance without alignment is speech from end to end. `about` is kept in corpus.json. Raises MimidiarError for
    a set without utterances, before any is written.
    """
    empty = [name for name, utterances in sets.items() if not utterances]
    if empty:
        raise MimidiarError(
            f"{work.out / empty[0]}: no utterance for this set; the corpus (or its part here) has too few speakers"
        )
    for name, utterances in sets.items():
        _write_set(work.out / name, utterances, alignments, (trials or {}).get(name))
    write_json(work.out / "corpus.json", about)
    log.info(f"{'set':18s} speakers utterances   hours")
    for name, utterances in sets.items():
        speakers, hours = len({u.speaker for u in utterances}), sum(u.seconds for u in utterances) / 3600
        log.info(f"{name:18s} {speakers:8d} {len(utterances):10d} {hours:7.2f}")
    return [work.out / name for name in sets]


def _write_set(
    folder: Path, utterances: Sequence[Utterance], alignments: Mapping[str, Alignment], trials: Iterable[Trial] | None
) -> None:
    recordings = [file_recording(u.id, u.path, SAMPLE_RATE, round(u.seconds * SAMPLE_RATE)) for u in utterances]
    supervisions = [
        SupervisionSegment(
            id=u.id,
            recording_id=u.id,
            start=0.0,
            duration=recording.duration,
            speaker=u.speaker,
            gender=u.gender,
            text=u.text,
            alignment=alignments.get(u.id),
            custom={"corpus": u.corpus, "session": u.session},
        )
        for u, recording in zip(utterances, recordings, strict=True)
    ]
    write_set(folder, recordings, supervisions, None, trials)


def limited(utterances: Sequence[Utterance], limit: int | None, seed: int) -> list[Utterance]:
    """For quick trials: 10 utterances of each of `limit` speakers; all when it is None."""
    if limit is None:
        return list(utterances)
    return first_of_each(utterances, set(hash_order({u.speaker for u in utterances}, seed)[:limit]))


def first_of_each(utterances: Iterable[Utterance], speakers: Container[str]) -> list[Utterance]:
    """The first 10 utterances of each of these speakers."""
    seen: Counter[str] = Counter()
    kept = []
    for utterance in utterances:
        seen[utterance.speaker] += 1
        if utterance.speaker in speakers and seen[utterance.speaker] <= UTTERANCES_AT_LIMIT:
            kept.append(utterance)
    return kept


def make_trials(utterances: Sequence[Utterance], seed: int) -> list[Trial]:
    """Seeded target pairs of every speaker, and for each of them non-target pairs of the same gender."""
    rng = random.Random(f"trials:{seed}")
    of_speaker: dict[str, list[str]] = defaultdict(list)
    of_gender: dict[str | None, set[str]] = defaultdict(set)
    for utterance in utterances:
        of_speaker[utterance.speaker].append(utterance.id)
        of_gender[utterance.gender].add(utterance.speaker)
    pairs = {(1, *pair) for ids in of_speaker.values() for pair in _pairs(sorted(ids), TARGETS_PER_SPEAKER, rng)}
    wanted = len(pairs) * NONTARGETS_PER_TARGET
    groups = [sorted(names) for names in of_gender.values() if len(names) > 1]
    if not groups and len(of_speaker) > 1:
        groups = [sorted(of_speaker)]  # one of each gender: better easy trials than none
    # A bound on the tries: with few utterances there may not be as many different pairs as wanted.
    for _ in range(wanted * 3 if groups else 0):
        if len(pairs) >= wanted + wanted // NONTARGETS_PER_TARGET:
            break
        first, second = sorted(rng.sample(rng.choice(groups), 2))
        pairs.add((0, rng.choice(of_speaker[first]), rng.choice(of_speaker[second])))
    return sorted(pairs)


def _pairs(ids: list[str], count: int, rng: random.Random) -> list[tuple[str, str]]:
    every = [(a, b) for k, a in enumerate(ids) for b in ids[k + 1 :]]
    return every if len(every) <= count else rng.sample(every, count)


def usable_trials(name: str, trials: Sequence[Trial], present: Container[str]) -> list[Trial]:
    """The trials of the list `name` with both utterances present. Raises MimidiarError when there is none."""
    kept = [trial for trial in trials if trial[1] in present and trial[2] in present]
    if len(kept) < len(trials):
        log.info(f"{name}: {len(kept)} of {len(trials)} trials kept, the others name utterances that were left out")
    if not kept:
        raise MimidiarError(f"none of the {len(trials)} trials of {name} has both of its utterances here")
    log.info(f"{name}: {len(kept)} trials, {sum(label for label, *_ in kept)} of them target")
    return kept


def named_in(trials: Iterable[Trial]) -> set[str]:
    """The utterances of trials."""
    return {utterance for _, *pair in trials for utterance in pair}


def utterances_of(trials: Iterable[Trial], utterances: Iterable[Utterance]) -> list[Utterance]:
    """Those of `utterances` that trials name."""
    named = named_in(trials)
    return [utterance for utterance in utterances if utterance.id in named]
