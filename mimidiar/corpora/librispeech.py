"""LibriSpeech (OpenSLR 12) and its mini version (OpenSLR 31), as they are unpacked:
[LibriSpeech/]<part>/<speaker>/<chapter>/<speaker>-<chapter>-<n>.flac, and a .trans.txt per chapter.

Split of the full corpus: the publishers', train-clean-100 (251 speakers) / dev-clean (40) / test-clean (40), whose
speakers are all different. Only clean parts are used, since noise in the utterances of one speaker of a simulated
conversation would identify that speaker.

Speech: the word times of https://github.com/CorentinJ/librispeech-alignments (Montreal forced aligner), which lhotse
reads, where <chapter>/<speaker>-<chapter>.alignment.txt has them; silero-vad's segments for all other utterances. Which
of the two an utterance has is the kind of its alignment, `word` or `vad`, and corpus.json counts both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lhotse.supervision import AlignmentItem

from mimidiar.annotation.text_file import numbered_fields
from mimidiar.config import load_config
from mimidiar.corpora.download import Archive, bring, fetch
from mimidiar.corpora.preparation import Preparation, no_settings
from mimidiar.corpora.unpack import unpack
from mimidiar.corpora.utterances import (
    Alignment,
    Utterance,
    find_speech,
    limited,
    with_lengths,
    write_utterance_sets,
)
from mimidiar.data.validation import require_valid
from mimidiar.errors import MimidiarError, listed
from mimidiar.log import log

ORIGINS = {"ls": ("LibriSpeech (Panayotov et al. 2015), read English", "CC BY 4.0")}
# The publishers' parts. There is no test part: the splitting rule halves the speakers of dev.
SPLIT_OF_PART = {"train-clean-5": "train", "dev-clean-2": "dev"}

URL = "https://www.openslr.org/resources/{resource}/{part}.tar.gz"
# part -> number at OpenSLR, published MD5, bytes, utterances
PARTS = {
    "train-clean-5": (31, "5df7d4e78065366204ca6845bb08f490", 333e6, 1519),
    "dev-clean-2": (31, "6d7ab67ac6a1d2c993d050e16d61080d", 127e6, 1089),
    "dev-clean": (12, "42e2234ba48799c1f50f24a7926300a1", 338e6, 2703),
    "test-clean": (12, "32fa31d27d2e1cad72775fee3f4849a9", 347e6, 2620),
    "train-clean-100": (12, "2a93770f6d5c6c964bc36631d331a522", 6.39e9, 28539),
    "train-clean-360": (12, "c0e676e450a7ff2f54aeade5171606fa", 23.1e9, 104014),
    "dev-other": (12, "c8d0bcc9cca99d4f8b62fcc847357931", 315e6, 2864),
    "test-other": (12, "fb5a50374b501bb3bac4815ee91d3135", 329e6, 2939),
    "train-other-500": (12, "d1a0fd59409feb2c614ce4d30c387708", 30.6e9, 148688),
}
UNPACKED = 1.05  # of the size of an archive: FLAC does not get smaller
ALIGNMENTS_URL = "https://drive.usercontent.google.com/download?id={}&export=download&confirm=t"
BEYOND_SEC = 0.1  # word times are rounded


@dataclass
class LibriSpeechSettings:
    """Settings of `mimidiar data prepare`: the part of each set, and the treatment of gaps."""

    train: str = "train-clean-100"
    dev: str = "dev-clean"
    test: str = "test-clean"
    speech: str = "word"  # word: word times where there are any; vad: silero-vad for all
    skip_missing: bool = False  # leave out utterances without a file


@dataclass
class LibriSpeechDownload:
    """What `--set` of download can set."""

    parts: list[str] = field(default_factory=lambda: ["train-clean-100", "dev-clean", "test-clean"])
    alignments: bool = True  # word times, from Google Drive


def download_mini_librispeech(downloads: str | Path, settings: Sequence[str] = ()) -> Path:
    """Download and unpack mini LibriSpeech into `downloads`/mini_librispeech; an interrupted one continues."""
    no_settings("mini_librispeech", settings)
    target = Path(downloads) / "mini_librispeech"
    bring([_archive(part) for part in SPLIT_OF_PART], target, "mini LibriSpeech from openslr.org (CC BY 4.0)")
    return target


def download_librispeech(downloads: str | Path, settings: Sequence[str] = ()) -> Path:
    """Download and unpack parts of LibriSpeech and its word times into `downloads`/librispeech."""
    options = load_config(LibriSpeechDownload, None, settings)
    for part in options.parts:
        _known(part, "parts")
    target = Path(downloads) / "librispeech"
    bring([_archive(part) for part in options.parts], target, "LibriSpeech from openslr.org (CC BY 4.0)")
    if options.alignments and not (target / ".ali_completed").is_file():  # lhotse's mark
        _bring_alignments(target)
    return target


def _archive(part: str) -> Archive:
    resource, md5, size, _ = PARTS[part]
    done = f"LibriSpeech/{part}/.completed"  # lhotse's mark: what it has unpacked is not fetched again
    return Archive(((URL.format(resource=resource, part=part), md5),), done, size, size * UNPACKED)


def _bring_alignments(target: Path) -> None:
    """Download the file that lhotse names, without the confirmation page of Google Drive."""
    from lhotse.recipes.librispeech import LIBRISPEECH_ALIGNMENTS_URL

    url = ALIGNMENTS_URL.format(LIBRISPEECH_ALIGNMENTS_URL.rpartition("id=")[2])
    log.info(f"word times of LibriSpeech from Google Drive into {target}")
    path = fetch(url, target / "LibriSpeech-Alignments.zip")
    with path.open("rb") as stream:
        is_zip = stream.read(2) == b"PK"
    if not is_zip:
        path.unlink()
        raise MimidiarError(
            f"{url}: Google Drive sent a page in place of the zip. Open {LIBRISPEECH_ALIGNMENTS_URL} in a browser, "
            f"save it as {path} and run the same command again; or go on without word times: --set alignments=false"
        )
    unpack([path], target)
    (target / ".ali_completed").touch()


def _known(part: str, key: str) -> str:
    if part not in PARTS:
        raise MimidiarError(f"--set {key}: LibriSpeech has no part {part!r}; choose of {', '.join(sorted(PARTS))}")
    return part


def prepare_librispeech(work: Preparation) -> list[Path]:
    """Write the sets train, dev and test of LibriSpeech and return their folders; see the file's head.

    `limit`: highest number of speakers of a set, with 10 utterances of each. Utterances with neither word times nor
    speech by silero-vad are left out, and logged.
    """
    options = work.options(LibriSpeechSettings)
    if options.speech not in ("word", "vad"):
        raise MimidiarError(f"--set speech={options.speech}: choose word or vad")
    base = _base(work.find_root("librispeech"))
    parts = {name: _known(getattr(options, name), name) for name in ("train", "dev", "test")}
    sets = {name: limited(_read_part(base, part, options), work.limit, work.seed) for name, part in parts.items()}
    sets = {name: with_lengths("librispeech", rows, options.skip_missing) for name, rows in sets.items()}
    every = [u for rows in sets.values() for u in rows]
    alignments = _word_times(every) if options.speech == "word" else {}
    others = [u for u in every if u.id not in alignments]
    words = len(every) - len(others)
    if others:
        log.info(f"word times: {words} of {len(every)} utterances have them, the others get segments by silero-vad")
        alignments |= find_speech(others)
    sets = {name: [u for u in rows if u.id in alignments] for name, rows in sets.items()}
    counts = f"{words} utterances with word times, {len(alignments) - words} with segments by silero-vad"
    about = {"origin": f"LibriSpeech, {' / '.join(parts.values())} ({counts})"}
    folders = write_utterance_sets(work, about, sets, alignments)
    require_valid(folders)
    return folders


def _read_part(base: Path, part: str, options: LibriSpeechSettings) -> list[Utterance]:
    """The utterances that the transcripts of a part name. Refused when they are not as many as published."""
    if not (base / part).is_dir():
        raise MimidiarError(f"{base / part}: no such folder; run stage 0 (`mimidiar data download librispeech`)")
    genders = _genders(base / "SPEAKERS.TXT")
    found = [u for path in sorted((base / part).glob("*/*/*.trans.txt")) for u in _read_chapter(path, genders)]
    wanted = PARTS[part][-1]
    if len(found) != wanted:
        text = f"{base / part}: its transcripts name {len(found)} utterances, LibriSpeech has {wanted} in this part"
        if not options.skip_missing:
            raise MimidiarError(f"{text}; unpack it again, or take what is there: --set skip_missing=true")
        log.info(text)
    return found


def _read_chapter(path: Path, genders: dict[str, str]) -> Iterator[Utterance]:
    for line, fields in numbered_fields(path):
        name = fields[0]
        if name.count("-") != 2:
            raise MimidiarError(f"{path}, line {line}: {name!r} is not SPEAKER-CHAPTER-N")
        found = _named(name, path.parent / f"{name}.flac", genders)
        yield replace(found, row=f"{path}, line {line} ({name})", text=" ".join(fields[1:]) or None)


def _word_times(utterances: Sequence[Utterance]) -> dict[str, Alignment]:
    """Utterance id -> alignment 'word', for those that have one; pauses (words without letters) are not in it.

    Raises MimidiarError for a file that is not understood, and for words that end after the audio.
    """
    from lhotse.recipes.librispeech import parse_alignments

    found: dict[str, Alignment] = {}
    beyond: list[str] = []
    chapters: dict[Path, dict[str, list[AlignmentItem]]] = {}
    for utterance in utterances:
        speaker, chapter, _ = utterance.path.stem.split("-")
        path = utterance.path.with_name(f"{speaker}-{chapter}.alignment.txt")
        if path not in chapters:
            try:
                chapters[path] = parse_alignments(path) if path.is_file() else {}
            except (ValueError, UnicodeDecodeError) as error:
                raise MimidiarError(f"{path}: no alignment file ({error}); unpack the word times again") from None
        items = [item for item in chapters[path].get(utterance.path.stem, []) if item.symbol.strip()]
        if items and items[-1].end > utterance.seconds + BEYOND_SEC:
            beyond.append(f"{utterance.path.stem} (until {items[-1].end:.2f} s of {utterance.seconds:.2f} s)")
        if items:
            found[utterance.id] = {"word": [_within(item, utterance.seconds) for item in items]}
    if beyond:
        text = f"librispeech: word times of {len(beyond)} utterances go on after the audio: {listed(beyond)}"
        raise MimidiarError(f"{text}. Restore the audio, or use no word times: --set speech=vad")
    return found


def _within(item: AlignmentItem, seconds: float) -> AlignmentItem:
    end = min(item.end, seconds)
    return AlignmentItem(item.symbol, min(item.start, end), round(max(0.0, end - item.start), 6))


def is_complete(root: str | Path) -> bool:
    """True when both parts are there."""
    return all((_base(Path(root)) / part).is_dir() for part in SPLIT_OF_PART)


def _base(root: Path) -> Path:
    return root / "LibriSpeech" if (root / "LibriSpeech").is_dir() else root


def read_mini_librispeech(root: Path) -> tuple[list[Utterance], dict[str, str]]:
    """The utterances of mini LibriSpeech below `root` (in LibriSpeech/ or directly), and speaker -> train or dev."""
    base, utterances, split = _base(root), [], {}
    genders = _genders(base / "SPEAKERS.TXT")
    for part, name in SPLIT_OF_PART.items():
        if not (base / part).is_dir():
            raise MimidiarError(f"{base / part}: no such folder; download mini LibriSpeech again (--stage 0)")
        own = [_named(path.stem, path, genders) for path in sorted((base / part).glob("*/*/*.flac"))]
        split |= {utterance.speaker: name for utterance in own if utterance.speaker not in split}
        utterances += own
    return with_lengths("mini LibriSpeech", utterances, skip_missing=False), split


def _named(name: str, path: Path, genders: dict[str, str]) -> Utterance:
    """The utterance of this name, its length not yet known."""
    speaker, chapter, _ = name.split("-")
    return Utterance(
        id=f"ls-{name}",
        speaker=f"ls-{speaker}",
        path=path,
        seconds=0.0,
        session=f"ls-{speaker}-{chapter}",
        corpus="ls",
        row=path.name,
        gender=genders.get(speaker),
    )


def _genders(path: Path) -> dict[str, str]:
    """Speaker number -> 'f' or 'm' from SPEAKERS.TXT ('14 | F | train-clean-360 | ...', comments begin with ';')."""
    if not path.is_file():
        return {}
    rows = [line.split("|") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(";")]
    return {row[0].strip(): row[1].strip().lower() for row in rows if len(row) > 1}
