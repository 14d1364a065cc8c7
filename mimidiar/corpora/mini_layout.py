"""The layout of the mini corpus: `utts.tsv` per folder of utterances, `recordings.tsv` + rttm/ + uem/ per folder of
conversations, `spk2split.tsv` and `trials_*.txt` where a corpus ships them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mimidiar.annotation.rttm import read_rttm
from mimidiar.annotation.turns import Region, Turn
from mimidiar.annotation.uem import read_uem
from mimidiar.corpora.conversations import Conversation
from mimidiar.corpora.utterances import Utterance
from mimidiar.data.manifests import Trial, read_trials
from mimidiar.data.origins import corpus_of_speaker
from mimidiar.errors import MimidiarError

SPLITS = ("train", "dev", "test")
ROUNDING_SEC = 0.001  # times in RTTM and UEM have three decimals
NAME_COLUMNS = {"utt_id", "uri", "speaker"}
UTTERANCE_COLUMNS = ("utt_id", "speaker", "path", "seconds", "session")


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
