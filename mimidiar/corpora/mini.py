"""The mini corpus: speech from a folder, mini LibriSpeech or synthetic voices, made into the sets of the recipes.

The layout of a folder: `utts.tsv` per folder of utterances, `recordings.tsv` + rttm/ + uem/ per folder of
conversations, `spk2split.tsv` and `trials_*.txt` where a corpus ships them.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Region, Turn
from mimidiar.annotation.uem import read_uem
from mimidiar.audio.corpus_audio import SAMPLE_RATE, read_corpus_audio
from mimidiar.audio.files import AudioInfo
from mimidiar.corpora.conversations import Conversation, Found, first_within, write_conversation_set
from mimidiar.corpora.librispeech import is_complete, read_mini_librispeech
from mimidiar.corpora.preparation import Preparation, no_settings
from mimidiar.corpora.utterances import (
    Utterance,
    find_speech,
    first_of_each,
    make_trials,
    named_in,
    usable_trials,
    utterances_of,
    with_lengths,
    write_utterance_sets,
)
from mimidiar.corpora.voices import write_voices
from mimidiar.data.manifests import Trial, read_trials
from mimidiar.data.origins import corpus_of_speaker
from mimidiar.data.splits import assign_splits, limit_speakers
from mimidiar.data.validation import require_valid
from mimidiar.errors import MimidiarError
from mimidiar.log import log

SPLITS = ("train", "dev", "test")
ROUNDING_SEC = 0.001  # times in RTTM and UEM have three decimals
NAME_COLUMNS = {"utt_id", "uri", "speaker"}
UTTERANCE_COLUMNS = ("utt_id", "speaker", "path", "seconds", "session")
CORPUS_VARIABLE = "MIMIDIAR_MINI_CORPUS"
VOICES_SHOW = "Figures on them show that the chain works and nothing about Mimi."
ORIGINS = {
    "so762": (
        "speechocean762 (Zhang et al. 2021), read English of learners, half of them children",
        "CC BY 4.0 (OpenSLR 101)",
    )
}


@dataclass
class MiniCorpus:
    """The content of a corpus folder. `split`: speaker -> train, dev or test where the corpus ships one.

    `origin` describes the kind of speech in words; tables print it.
    """

    origin: str
    utterances: list[Utterance] = field(default_factory=list)
    split: dict[str, str] = field(default_factory=dict)
    trials: dict[str, list[Trial]] = field(default_factory=dict)
    conversations: dict[str, list[Conversation]] = field(default_factory=dict)


def read_mini_corpus(root: str | Path, origin: str = "a corpus folder") -> MiniCorpus:
    """Read a corpus folder in this layout. Raises MimidiarError naming file, row and remedy."""
    root = Path(root)
    if not root.is_dir():
        raise MimidiarError(f"{root}: no such corpus folder; name one with --corpus, or leave --corpus out")
    corpus = MiniCorpus(origin=origin)
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if (folder / "utts.tsv").is_file():
            _read_utterance_folder(folder, corpus)
        if (folder / "recordings.tsv").is_file():
            corpus.conversations[folder.name] = list(_read_conversations(folder))
    if not corpus.utterances:
        raise MimidiarError(f"{root}: no folder with a utts.tsv in it; is this the root of the corpus?")
    _check(corpus)
    return corpus


def _read_utterance_folder(folder: Path, corpus: MiniCorpus) -> None:
    corpus.utterances += _read_utterances(folder)
    if (folder / "spk2split.tsv").is_file():
        for row, values in _rows(folder / "spk2split.tsv", ("speaker", "split")):
            if values["split"] not in SPLITS:
                raise MimidiarError(f"{row}: split {values['split']!r} is none of {', '.join(SPLITS)}")
            corpus.split[values["speaker"]] = values["split"]
    for path in sorted(folder.glob("trials_*.txt")):
        if path.stem in corpus.trials:
            raise MimidiarError(f"{path}: another folder has trials of this name already; rename one of them")
        corpus.trials[path.stem] = read_trials(path)


def _read_utterances(folder: Path) -> Iterator[Utterance]:
    for row, values in _rows(folder / "utts.tsv", UTTERANCE_COLUMNS):
        yield Utterance(
            id=values["utt_id"],
            speaker=values["speaker"],
            path=folder / values["path"],
            seconds=_seconds(values["seconds"], row),
            session=values["session"],
            corpus=corpus_of_speaker(values["speaker"], folder.name),
            row=f"{row} ({values['utt_id']})",
            gender=values.get("gender", "").lower() or None,
            text=values.get("text") or None,
        )


def _rows(path: Path, required: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """('file:line', column -> value) of a tab-separated file with a header line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MimidiarError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    header = lines[0].split("\t") if lines else []
    missing = [name for name in required if name not in header]
    if missing:
        raise MimidiarError(f"{path}:1: column {missing[0]!r} is missing; the header needs {', '.join(required)}")
    for number, line in enumerate(lines[1:], 2):
        values = line.split("\t")
        if len(values) != len(header):
            raise MimidiarError(
                f"{path}:{number}: {len(values)} columns, expected {len(header)} as in the header; "
                "columns are separated by one tab"
            )
        row = dict(zip(header, values, strict=True))
        for name in NAME_COLUMNS & row.keys():
            if row[name].split() != [row[name]]:  # it would end a field of RTTM, trials and archives
                raise MimidiarError(
                    f"{path}:{number}: {name} is {row[name]!r}; a name has at least one letter and no white space"
                )
        yield f"{path}:{number}", row


def _seconds(text: str, row: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise MimidiarError(f"{row}: {text!r} is not a number of seconds above 0")
    return seconds


def _read_conversations(folder: Path) -> Iterator[Conversation]:
    for row, values in _rows(folder / "recordings.tsv", ("uri", "path", "seconds")):
        uri, seconds = values["uri"], _seconds(values["seconds"], row)
        yield Conversation(
            id=uri,
            audio=folder / values["path"],
            turns=_read_turns(folder / "rttm" / f"{uri}.rttm", uri, seconds),
            uem=_read_regions(folder / "uem" / f"{uri}.uem", uri, seconds),
            seconds=seconds,
            row=f"{row} ({uri})",
        )


def _read_turns(path: Path, uri: str, seconds: float) -> list[Turn]:
    turns = _about(uri, path, read_rttm(path))
    for turn in turns:
        _check_inside(f"{path}: turn of {turn.speaker}", turn.start, turn.end, seconds)
    return turns


def _read_regions(path: Path, uri: str, seconds: float) -> list[Region]:
    regions = _about(uri, path, read_uem(path))
    for start, end in regions:
        _check_inside(f"{path}: region", start, end, seconds)
    return regions


def _about(uri: str, path: Path, content: dict[str, list]) -> list:
    """The content of a file for its one recording."""
    others = sorted(content.keys() - {uri})
    if others:
        raise MimidiarError(f"{path}: it is about recording {others[0]}, expected {uri} alone; correct the name")
    return content.get(uri, [])


def _check_inside(where: str, start: float, end: float, seconds: float) -> None:
    if end > seconds + ROUNDING_SEC:
        raise MimidiarError(
            f"{where} at {start:.3f}-{end:.3f} s goes past the end of the recording ({seconds:.3f} s); correct it"
        )


def _check(corpus: MiniCorpus) -> None:
    rows: dict[str, str] = {}
    records = [*corpus.utterances, *(c for group in corpus.conversations.values() for c in group)]
    for record in records:
        if record.id in rows:
            raise MimidiarError(f"{record.row}: the id is used before, in {rows[record.id]}; ids must be unique")
        rows[record.id] = record.row
    known = {utterance.id for utterance in corpus.utterances}
    for name, trials in corpus.trials.items():
        for number, (_, enrol, test) in enumerate(trials, 1):
            if not {enrol, test} <= known:
                absent = enrol if enrol not in known else test
                raise MimidiarError(f"{name}.txt:{number}: utterance {absent} is in no utts.tsv; delete the line")


def prepare_mini(work: Preparation) -> list[Path]:
    """Write the sets train, dev, test, one per shipped trial list and one per folder of conversations.

    `work.root`: the corpus folder; None looks in the environment, then for a downloaded mini LibriSpeech, then makes
    synthetic voices. A limit is the highest number of speakers per corpus and split, with 10 utterances of each, and
    of the first conversations of a folder together.
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
    chosen = {name: first_within(own, work.limit) for name, own in corpus.conversations.items()}
    conversations = {name: [_read_whole(recording) for recording in own] for name, own in chosen.items()}
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
        utterances, split = read_mini_librispeech(librispeech)
        held_out = [utterance for utterance in utterances if split[utterance.speaker] == "dev"]
        trials = {"trials_heldout": make_trials(held_out, work.seed)}
        return MiniCorpus("mini LibriSpeech (OpenSLR 31)", utterances, split, trials)
    log.info(f"mini corpus: SYNTHETIC VOICES (espeak-ng), for want of --corpus and of downloaded speech. {VOICES_SHOW}")
    return read_mini_corpus(write_voices(work.out / "voices", work.seed), origin=f"synthetic voices. {VOICES_SHOW}")


def _read_whole(recording: Conversation) -> Found:
    """A conversation with the size of its audio, which is read to its end: a broken file is found here."""
    samples = read_corpus_audio(recording.audio, recording.seconds or 0.0, recording.row)
    return recording, AudioInfo(SAMPLE_RATE, 1, len(samples))
