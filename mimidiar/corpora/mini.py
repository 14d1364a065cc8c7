"""The mini corpus: speech from a folder, mini LibriSpeech or synthetic voices, made into the sets of the recipes."""

import os
from pathlib import Path

from mimidiar.audio.corpus_audio import SAMPLE_RATE, read_corpus_audio
from mimidiar.audio.files import AudioInfo
from mimidiar.corpora.conversations import Conversation, Found, write_conversation_set
from mimidiar.corpora.librispeech import is_complete, read_librispeech
from mimidiar.corpora.mini_layout import SPLITS, MiniCorpus, read_mini_corpus
from mimidiar.corpora.preparation import Preparation, no_settings
from mimidiar.corpora.utterances import (
    find_speech,
    first_of_each,
    named_in,
    usable_trials,
    utterances_of,
    with_lengths,
    write_utterance_sets,
)
from mimidiar.corpora.voices import write_voices
from mimidiar.data.splits import assign_splits, limit_speakers
from mimidiar.data.validation import require_valid
from mimidiar.log import log

CORPUS_VARIABLE = "MIMIDIAR_MINI_CORPUS"
VOICES_SHOW = "Figures on them show that the chain works and nothing about Mimi."
ORIGINS = {
    "so762": (
        "speechocean762 (Zhang et al. 2021), read English of learners, half of them children",
        "CC BY 4.0 (OpenSLR 101)",
    )
}


def prepare_mini(work: Preparation) -> list[Path]:
    """Write the sets train, dev, test, one per shipped trial list and one per folder of conversations.

    `work.root`: the corpus folder; None looks in the environment, then for a downloaded mini LibriSpeech, then makes
    synthetic voices. A limit is the highest number of speakers per corpus and split, with 10 utterances of each.
    Returns the set folders; raises MimidiarError before the first file is written.
    """
    no_settings("mini", work.settings)
    corpus = find_mini_corpus(work)
    corpus_of = {u.speaker: u.corpus for u in corpus.utterances}
    named = named_in(trial for own in corpus.trials.values() for trial in own)
    in_trials = {u.speaker for u in corpus.utterances if u.id in named}
    split = assign_splits(corpus_of, corpus.split, in_trials, work.seed)
    utterances = [u for u in corpus.utterances if u.speaker in split]
    if work.limit is not None:
        split = limit_speakers(split, corpus_of, work.limit, work.seed)
        utterances = first_of_each(utterances, split)
    alignments = find_speech(utterances)
    utterances = with_lengths("mini", [u for u in utterances if u.id in alignments], skip_missing=False)
    present = {u.id for u in utterances}
    trials = {name: usable_trials(name, own, present) for name, own in corpus.trials.items()}
    sets = {name: [u for u in utterances if split[u.speaker] == name] for name in SPLITS}
    sets |= {name: utterances_of(own, utterances) for name, own in trials.items()}
    conversations = {name: [_read_whole(recording) for recording in own] for name, own in corpus.conversations.items()}
    folders = write_utterance_sets(work, {"origin": corpus.origin}, sets, alignments, trials)
    folders += [write_conversation_set(work.out / name, found) for name, found in conversations.items()]
    require_valid(folders)
    return folders


def find_mini_corpus(work: Preparation) -> MiniCorpus:
    """The speech to use: `root`, else the folder in the environment, else mini LibriSpeech, else synthetic voices."""
    named = work.root or os.environ.get(CORPUS_VARIABLE)
    if named:
        log.info(f"mini corpus: real speech from {named}")
        return read_mini_corpus(named, origin="recorded, from the corpus folder that was named")
    librispeech = work.downloads / "mini_librispeech"
    if is_complete(librispeech):
        log.info(f"mini corpus: mini LibriSpeech from {librispeech}")
        return read_librispeech(librispeech, work.seed)
    log.info(f"mini corpus: SYNTHETIC VOICES (espeak-ng), for want of --corpus and of downloaded speech. {VOICES_SHOW}")
    return read_mini_corpus(write_voices(work.out / "voices", work.seed), origin=f"synthetic voices. {VOICES_SHOW}")


def _read_whole(recording: Conversation) -> Found:
    """A conversation with the size of its audio, which is read to its end: a broken file is found here."""
    samples = read_corpus_audio(recording.audio, recording.seconds or 0.0, recording.row)
    return recording, AudioInfo(SAMPLE_RATE, 1, len(samples))
