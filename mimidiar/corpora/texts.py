"""Trials by text: sentences that several speakers have read, against sentences of one trial side only.

Two sets of the same utterances. Their target trials are the same: one speaker, two sentences. In the non-target trials
of `texts_same` two speakers read one sentence, in those of `texts_other` two. A system that uses speaker information
alone has the same error rate on both. One that uses the words confuses two speakers of one sentence, and has a higher
error rate on `texts_same`. One speaker reads a sentence once, so that there are no target trials of one sentence.

From a corpus folder (egs/README.md, "The mini corpus"): what the column `text` of utts.tsv says, or, of VCC 2016 (Toda
et al. 2016; doi 10.7488/ds/1575), the number at the end of an utterance's name: its evaluation sentences, from 200001,
are the same for all speakers. Four speakers there: the figures show how far, not how surely.

These speakers may be in a training set. `--set train=FOLDER` writes that set without them, as `train_others`.
"""

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from lhotse import RecordingSet, SupervisionSet

from mimidiar.corpora.mini import read_mini_corpus
from mimidiar.corpora.preparation import Preparation
from mimidiar.corpora.utterances import (
    Utterance,
    find_speech,
    limited,
    utterances_of,
    with_lengths,
    write_utterance_sets,
)
from mimidiar.data.manifests import SetFolder, Trial, read_set, write_set
from mimidiar.data.validation import require_valid
from mimidiar.errors import MimidiarError
from mimidiar.log import log


@dataclass
class TextsSettings:
    """What `--set KEY=VALUE` can set."""

    train: str = ""  # folder of a set to be trained on, from which the speakers of the trials are to be taken


OTHERS = "train_others"
SAME, OTHER = "texts_same", "texts_other"
ORIGINS = {"vcc16": ("a part of the Voice Conversion Challenge 2016 (Toda et al. 2016), read English", "CC BY 4.0")}
VCC, FIRST_SHARED = "vcc16", 200_001
MOST_PER_GROUP = 200  # targets of a speaker, and non-targets of two sentences of a pair of speakers


def prepare_texts(work: Preparation) -> list[Path]:
    """Write the sets texts_same and texts_other, and if set, train_others; returns their folders.

    Raises MimidiarError where fewer than two speakers share fewer than two sentences.
    """
    options, root = work.options(TextsSettings), work.find_root("texts")
    readings = shared_readings(limited(read_mini_corpus(root).utterances, work.limit, work.seed))
    rows = sorted((u for group in readings.values() for u in group), key=lambda u: u.id)
    rows = with_lengths("texts", rows, skip_missing=False)
    alignments = find_speech(rows)
    readings = {text: [u for u in group if u.id in alignments] for text, group in readings.items()}
    trials = text_trials(readings, work.seed)
    if not all(any(not label for label, *_ in own) and any(label for label, *_ in own) for own in trials.values()):
        raise MimidiarError(
            f"{root}: too few sentences that several speakers have read; needed are 2 of 2 speakers each"
        )
    others = _without(Path(options.train), {u.speaker for u in rows}) if options.train else None
    sets = {name: utterances_of(own, rows) for name, own in trials.items()}
    origin = f"sentences read by several speakers, from {root.resolve().name}"
    folders = write_utterance_sets(work, {"origin": origin}, sets, alignments, trials)
    for name, own in trials.items():
        log.info(f"{name}: {len(own)} trials, {sum(label for label, *_ in own)} of them target")
    if others is not None:
        folders.append(work.out / OTHERS)
        write_set(folders[-1], others.recordings, others.supervisions, others.uem)
        log.info(f"{OTHERS}: {len(others.recordings)} recordings of {options.train}")
    require_valid(folders)
    return folders


def _without(train: Path, speakers: set[str]) -> SetFolder:
    """The set `train` without these speakers. MimidiarError if nothing is left."""
    whole = read_set(train)
    kept = [turn for turn in whole.supervisions if turn.speaker not in speakers]
    names = {turn.recording_id for turn in kept}
    if not kept:
        raise MimidiarError(f"{train}: nobody is left without the {len(speakers)} speakers of the trials")
    uem = {name: regions for name, regions in whole.uem.items() if name in names}
    recordings = RecordingSet.from_recordings(r for r in whole.recordings if r.id in names)
    return SetFolder(recordings, SupervisionSet.from_segments(kept), uem, None)


def text_of(utterance: Utterance) -> str | None:
    """The text of an utterance, if the corpus has it; the same text for the same words."""
    if utterance.text:
        return " ".join(re.findall(r"\w+", utterance.text.lower()))
    number = utterance.id.rpartition("-")[2]
    return number if utterance.corpus == VCC and number.isdigit() and int(number) >= FIRST_SHARED else None


def shared_readings(utterances: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    """Sentence -> its readings, one of each speaker, of the sentences that at least two speakers have read."""
    readings: dict[str, dict[str, Utterance]] = defaultdict(dict)
    for utterance in sorted(utterances, key=lambda u: u.id):
        if (text := text_of(utterance)) is not None:
            readings[text].setdefault(utterance.speaker, utterance)
    return {text: list(group.values()) for text, group in sorted(readings.items()) if len(group) > 1}


def text_trials(readings: dict[str, list[Utterance]], seed: int) -> dict[str, list[Trial]]:
    """The trials of both sets; where there are many of two sentences, a seeded choice."""
    rng = random.Random(f"texts:{seed}")
    of_speakers: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)  # two sentences
    same: list[Trial] = []
    rows = [(text, u) for text, group in readings.items() for u in group]
    for (text, one), (other_text, other) in combinations(rows, 2):
        if text != other_text:
            of_speakers[tuple(sorted((one.speaker, other.speaker)))].append((one.id, other.id))
        else:
            same.append((0, one.id, other.id))
    two = {
        pair: sorted(rng.sample(every, min(len(every), MOST_PER_GROUP))) for pair, every in sorted(of_speakers.items())
    }
    targets = [(1, *ids) for (one, other), every in two.items() if one == other for ids in every]
    nontargets = [(0, *ids) for (one, other), every in two.items() if one != other for ids in every]
    return {SAME: sorted(targets + same), OTHER: sorted(targets + nontargets)}
