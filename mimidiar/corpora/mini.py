"""The mini corpus: speech from a folder, mini LibriSpeech or synthetic voices, made into the sets of the recipes."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import soundfile
from lhotse import Recording, SupervisionSegment
from lhotse.supervision import AlignmentItem
from tqdm import tqdm

from mimidiar.audio.corpus_audio import SAMPLE_RATE, read_corpus_audio
from mimidiar.corpora import no_settings
from mimidiar.corpora.librispeech import is_complete, read_librispeech
from mimidiar.corpora.mini_layout import SPLITS, ConversationFile, Pack, Utterance, read_pack
from mimidiar.corpora.voices import write_voices
from mimidiar.data.manifests import Span, Trial, file_recording, write_set
from mimidiar.data.splits import assign_splits, limit_speakers
from mimidiar.data.validation import require_valid
from mimidiar.encoders.vad import speech_segments
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json

Say = Callable[[str], None]
Segments = dict[str, list[Span]]  # utterance id -> its speech
UTTERANCES_AT_LIMIT = 10
CORPUS_VARIABLE = "MIMIDIAR_MINI_CORPUS"
VOICES_SHOW = "Figures on them show that the chain works and nothing about Mimi."


class Content(NamedTuple):
    """What `write_set` wants to know of a set."""

    recordings: list[Recording]
    supervisions: list[SupervisionSegment]
    uem: dict[str, list[Span]] | None
    trials: list[Trial] | None


def prepare_mini(
    root: str | Path | None,
    out: str | Path,
    seed: int = 0,
    limit: int | None = None,
    downloads: str | Path = "downloads",
    say: Say = print,
    settings: Sequence[str] = (),
) -> list[Path]:
    """Write the sets train, dev, test, one per shipped trial list and one per folder of conversations below `out`.

    `root`: the corpus folder; None looks in the environment, then for a downloaded mini LibriSpeech, then makes
    synthetic voices. `limit`: at most so many speakers per corpus and split, and 10 utterances of each, for quick
    trials. Returns the set folders.
    """
    no_settings("mini", settings)
    out = Path(out)
    pack = find_pack(root, out, downloads, seed, say)
    corpus_of = {u.speaker: u.corpus for u in pack.utterances}
    in_trials = _trial_speakers(pack)
    split = assign_splits(corpus_of, pack.split, in_trials, seed)
    if limit is not None:
        split = limit_speakers(split, corpus_of, limit, seed)
    utterances = [u for u in pack.utterances if u.speaker in split]
    if limit is not None:
        utterances = _first_of_each_speaker(utterances, UTTERANCES_AT_LIMIT)
    segments = _find_speech(utterances, say)
    utterances = [u for u in utterances if u.id in segments]
    of_split = {name: [u for u in utterances if split[u.speaker] == name] for name in SPLITS}
    sets = {name: _utterance_set(rows, segments, name) for name, rows in of_split.items()}
    for name, trials in pack.trials.items():
        sets[name] = _trial_set(name, trials, utterances, segments, say)
    for name, conversations in pack.conversations.items():
        sets[name] = _conversation_set(conversations)
    # Everything was read and checked before the first file is written.
    for name, content in sets.items():
        write_set(out / name, *content)
    write_json(out / "corpus.json", {"origin": pack.origin})
    _say_what_was_made(pack, utterances, split, say)
    folders = [out / name for name in sets]
    require_valid(folders)
    return folders


def find_pack(root: str | Path | None, out: Path, downloads: str | Path, seed: int, say: Say) -> Pack:
    """The speech to use: `root`, else the folder in the environment, else mini LibriSpeech, else synthetic voices."""
    named = root or os.environ.get(CORPUS_VARIABLE)
    if named:
        say(f"mini corpus: real speech from {named}")
        return read_pack(named, origin="recorded, from the corpus folder that was named")
    librispeech = Path(downloads) / "mini_librispeech"
    if is_complete(librispeech):
        say(f"mini corpus: mini LibriSpeech from {librispeech}")
        return read_librispeech(librispeech, seed)
    say(f"mini corpus: SYNTHETIC VOICES (espeak-ng), for want of --corpus and of downloaded speech. {VOICES_SHOW}")
    return read_pack(write_voices(out / "voices", seed), origin=f"synthetic voices. {VOICES_SHOW}")


def _first_of_each_speaker(utterances: list[Utterance], count: int) -> list[Utterance]:
    seen: Counter[str] = Counter()
    kept = []
    for utterance in utterances:
        seen[utterance.speaker] += 1
        if seen[utterance.speaker] <= count:
            kept.append(utterance)
    return kept


def _trial_speakers(pack: Pack) -> set[str]:
    speaker_of = {u.id: u.speaker for u in pack.utterances}
    return {speaker_of[utt] for trials in pack.trials.values() for _, *pair in trials for utt in pair}


def _find_speech(utterances: list[Utterance], say: Say) -> Segments:
    """Utterance id -> its speech segments in seconds; utterances without any are left out, and named."""
    progress = tqdm(utterances, desc="speech segments", unit="utt", disable=None)
    audio = (read_corpus_audio(u.path, u.seconds, u.row) for u in progress)
    found = {u.id: spans for u, spans in zip(utterances, speech_segments(audio), strict=True)}
    silent = [name for name, spans in found.items() if not spans]
    if silent:
        say(f"dropped {len(silent)} of {len(found)} utterances in which no speech was found: {', '.join(silent)}")
    return {name: spans for name, spans in found.items() if spans}


def _utterance_set(utterances: list[Utterance], segments: Segments, name: str, trials: list | None = None) -> Content:
    if not utterances:
        raise MimidiarError(f"no utterances for the set {name!r}: the corpus has too few speakers to be split")
    samples = [soundfile.info(str(u.path)).frames for u in utterances]
    recordings = [file_recording(u.id, u.path, SAMPLE_RATE, n) for u, n in zip(utterances, samples, strict=True)]
    supervisions = [_supervision(u, r.duration, segments[u.id]) for u, r in zip(utterances, recordings, strict=True)]
    return Content(recordings, supervisions, None, trials)


def _supervision(utterance: Utterance, seconds: float, spans: list[Span]) -> SupervisionSegment:
    items = [AlignmentItem("speech", start, round(end - start, 6)) for start, end in spans]
    return SupervisionSegment(
        id=utterance.id,
        recording_id=utterance.id,
        start=0.0,
        duration=seconds,
        speaker=utterance.speaker,
        gender=utterance.gender,
        text=utterance.text,
        alignment={"vad": items},
        custom={"corpus": utterance.corpus, "session": utterance.session},
    )


def _trial_set(name: str, trials: list[Trial], utterances: list[Utterance], segments: Segments, say: Say) -> Content:
    """The set of exactly the utterances that the trials need; trials of utterances that were left out go with them."""
    present = {u.id for u in utterances}
    kept = [trial for trial in trials if trial[1] in present and trial[2] in present]
    if len(kept) < len(trials):
        say(f"{name}: {len(kept)} of {len(trials)} trials kept, the others name utterances that were left out")
    needed = {utt for _, *pair in kept for utt in pair}
    say(f"{name}: {len(kept)} trials, {sum(trial[0] for trial in kept)} of them target")
    return _utterance_set([u for u in utterances if u.id in needed], segments, name, kept)


def _conversation_set(conversations: list[ConversationFile]) -> Content:
    recordings, supervisions, uem = [], [], {}
    for talk in conversations:
        samples = len(read_corpus_audio(talk.path, talk.seconds, talk.row))
        recordings.append(file_recording(talk.id, talk.path, SAMPLE_RATE, samples))
        uem[talk.id] = talk.uem
        supervisions += [
            SupervisionSegment(f"{talk.id}-{k:04d}", talk.id, t.start, round(t.end - t.start, 6), speaker=t.speaker)
            for k, t in enumerate(talk.turns)
        ]
    return Content(recordings, supervisions, uem, None)


def _say_what_was_made(pack: Pack, utterances: list[Utterance], split: dict[str, str], say: Say) -> None:
    """One line per split and corpus: speakers, utterances, minutes."""
    speakers: dict[tuple[str, str], set[str]] = defaultdict(set)
    minutes: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    for u in utterances:
        key = split[u.speaker], u.corpus
        speakers[key].add(u.speaker)
        minutes[key] += u.seconds / 60
        counts[key] += 1
    say(f"{'set':12s} {'corpus':12s} speakers utterances minutes")
    for name, corpus in sorted(counts, key=lambda key: (SPLITS.index(key[0]), key[1])):
        key = name, corpus
        say(f"{name:12s} {corpus:12s} {len(speakers[key]):8d} {counts[key]:10d} {minutes[key]:7.1f}")
    for name, talks in pack.conversations.items():
        say(
            f"{name:12s} {'':12s} {len({t.speaker for k in talks for t in k.turns}):8d} {len(talks):10d} "
            f"{sum(k.seconds for k in talks) / 60:7.1f}  (conversations)"
        )
