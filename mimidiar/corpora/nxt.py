"""The manual annotations of the AMI corpus in NXT's XML: words with times, and the transcribers' segments.

Read from the folder or straight from the zip of the publishers (ami_public_manual_1.6.2):

    corpusResources/meetings.xml        <meeting observation="ES2002a"> <speaker nxt_agent="A" global_name="MEE006">
    words/ES2002a.A.words.xml           <w starttime="77.44" endtime="77.74">, <vocalsound>, <gap>, <disfmarker>
    segments/ES2002a.A.segments.xml     <segment transcriber_start="77.41" transcriber_end="80.92">
"""

import re
import xml.etree.ElementTree as ET
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mimidiar.annotation.turns import Region, Turn, merge_overlaps
from mimidiar.errors import MimidiarError

VERSION = "1.6.2"
# What the README inside of version 1.6.2 calls it; the two are counted apart.
RELEASE = "1.7"
NAME = "ami_public_manual_"
README = "00README_MANUAL.txt"


def join_words(words: Iterable[Region]) -> list[Region]:
    """Turns of one speaker from the (start, end) of the words in file order: the rule of the only_words references.

    A word that begins where the turn has ended, or before, goes on with it, and the turn then ends with that word; any
    gap, were it 10 ms, ends the turn. Turns without a length (a lone punctuation mark) are dropped. This is what
    github.com/BUTSpeechFIT/AMI-diarization-setup describes ("adjacent speech segments (words) of the same speaker are
    merged [...] separated by pauses (silence) are not merged in any case"); that the last word sets the end, even where
    it ends before the one before it, matters for two of the 170 meetings (EN2006a, TS3009c).
    """
    turns: list[list[float]] = []
    for start, end in words:
        if turns and start <= turns[-1][1]:
            turns[-1][1] = end
        else:
            turns.append([start, end])
    return [(start, end) for start, end in turns if end > start]


class Annotations:
    """The annotations below a folder or in a zip. Raises MimidiarError when it is neither, or of another version."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._root = _open(self.path)
        _check_version(self.path, self._root)
        self._speakers = _speakers(self._read(self._root / "corpusResources" / "meetings.xml"))
        self._files: dict[str, dict[str, dict[str, Path]]] = {}
        self.untimed = 0  # words without a time that were met so far

    def only_words(self, meeting: str) -> list[Turn] | None:
        """The turns of a meeting made of its words alone, vocal sounds left out. None when it has no words file."""
        return self._turns(meeting, "words", lambda root: join_words(self._words(root, meeting)))

    def segments(self, meeting: str) -> list[Turn] | None:
        """The transcribers' segments, pauses and vocal sounds within them included. None when it has no such file."""
        return self._turns(meeting, "segments", lambda root: list(_segments(root, meeting)))

    def _turns(self, meeting: str, layer: str, spans_of: Callable[[ET.Element], list[Region]]) -> list[Turn] | None:
        files = self._files_of(layer).get(meeting)
        if not files:
            return None
        turns = []
        for agent, file in sorted(files.items()):
            spans = spans_of(self._read(file))
            if spans:
                speaker = self._speaker(meeting, agent, file)
                turns += [Turn(meeting, start, end, speaker) for start, end in spans]
        return merge_overlaps(turns)

    def _words(self, root: ET.Element, meeting: str) -> Iterator[Region]:
        for word in root.iter("w"):
            if "starttime" not in word.attrib or "endtime" not in word.attrib:
                self.untimed += 1
                continue
            yield _span(word, "starttime", "endtime", meeting)

    def _speaker(self, meeting: str, agent: str, file: Path) -> str:
        known = self._speakers.get(meeting, {})
        if agent not in known:
            message = (
                f"{self.path}: {file.name} is of participant {agent}, whom meetings.xml does not name in {meeting}"
            )
            raise MimidiarError(f"{message}; it names {', '.join(sorted(known)) or 'nobody'}. Unpack the zip again")
        return known[agent]

    def _files_of(self, layer: str) -> dict[str, dict[str, Path]]:
        """meeting -> agent -> file."""
        if layer not in self._files:
            files: dict[str, dict[str, Path]] = defaultdict(dict)
            folder = self._root / layer
            for file in folder.iterdir() if folder.is_dir() else ():
                if file.name.endswith(f".{layer}.xml") and file.name.count(".") == 3:
                    meeting, agent, *_ = file.name.split(".")
                    files[meeting][agent] = file
            self._files[layer] = dict(files)
        return self._files[layer]

    def _read(self, file: Path) -> ET.Element:
        try:
            return ET.fromstring(file.read_bytes())
        except (ET.ParseError, zipfile.BadZipFile) as error:
            raise MimidiarError(f"{file}: no whole XML ({error}); fetch the annotations again") from None
        except (FileNotFoundError, KeyError):
            raise MimidiarError(f"{file}: no such file; these are not the annotations {NAME}{VERSION}") from None


def _span(element: ET.Element, start: str, end: str, meeting: str) -> Region:
    try:
        return float(element.attrib[start]), float(element.attrib[end])
    except (KeyError, ValueError):
        message = f"{meeting}: a <{element.tag}> has the attributes {dict(element.attrib)}, expected seconds in {start}"
        raise MimidiarError(f"{message} and {end}; fetch the annotations again") from None


def _segments(root: ET.Element, meeting: str) -> Iterator[Region]:
    for segment in root.iter("segment"):
        start, end = _span(segment, "transcriber_start", "transcriber_end", meeting)
        if end > start:
            yield start, end


def _speakers(root: ET.Element) -> dict[str, dict[str, str]]:
    """meeting -> letter of the participant -> name in the corpus."""
    return {
        meeting.attrib["observation"]: {
            speaker.attrib["nxt_agent"]: speaker.attrib["global_name"]
            for speaker in meeting.iter("speaker")
            if {"nxt_agent", "global_name"} <= speaker.attrib.keys()
        }
        for meeting in root.iter("meeting")
        if "observation" in meeting.attrib
    }


def _open(path: Path) -> Path | zipfile.Path:
    """Where words/, segments/ and corpusResources/ lie."""
    if not path.exists():
        raise MimidiarError(f"{path}: no such folder or zip of annotations; run stage 0")
    try:
        root = path if path.is_dir() else zipfile.Path(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise MimidiarError(f"{path}: neither a folder nor a whole zip ({error}); fetch it again") from None
    inner = root / f"{NAME}{VERSION}"
    return inner if inner.is_dir() else root


def _check_version(path: Path, root: Path | zipfile.Path) -> None:
    """By the name of the folder or zip, and by its README."""
    named = re.search(rf"{NAME}(\d+(?:\.\d+)*)", path.name)
    remedy = f"fetch {NAME}{VERSION}.zip: earlier ones differ in words and times"
    if named and named[1] != VERSION:
        raise MimidiarError(f"{path}: version {named[1]} of the annotations, expected {VERSION}; {remedy}")
    readme = root / README
    if not readme.is_file():
        return
    releases = re.findall(r"(?i)\brelease\s+(\d+\.\d+)", readme.read_bytes().decode("latin-1"))
    if releases and RELEASE not in releases:
        found = f"release {releases[0]}"
        raise MimidiarError(f"{path}: {README} says {found}, that of version {VERSION} says {RELEASE}; {remedy}")


def find_annotations(root: Path) -> Path:
    """The annotations in a corpus folder: unpacked, as the zip, or their content right in it, where lhotse unpacks it.

    Raises MimidiarError when there are none, naming another version that is there instead.
    """
    for place in (root / f"{NAME}{VERSION}", root / f"{NAME}{VERSION}.zip"):
        if place.exists():
            return place
    if (root / "words").is_dir():
        return root
    others = sorted(path.name for path in root.glob(f"{NAME}*"))
    instead = f"; {others[0]} is of another version" if others else ""
    raise MimidiarError(
        f"{root}: neither the folder nor the zip {NAME}{VERSION} is here{instead}. Run stage 0, or name them with "
        "--set annotations=PATH"
    )
