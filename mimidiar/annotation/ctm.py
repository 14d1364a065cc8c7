"""CTM (time-marked conversation) files: words with times and speakers, `recording channel start duration word [...]`.

The columns of NIST's RT-09: confidence, type and speaker follow the word. Without a speaker column all words of one
channel are one speaker's, named like the channel (some programs write the speaker there). A CTM has no turns: words of
a speaker with pauses up to `pause_sec` between them become one. Lines of a type that is no word (laughter, noise) are
passed over; a turn whose words all have no duration has no time, and these are counted as words of no length.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from mimidiar.annotation.reading import PLAIN, Reading, Sieve, sifted
from mimidiar.annotation.text_file import check_name, numbered_fields, seconds_in
from mimidiar.annotation.transcript import Row, Said, Transcript, Word, gather, one_line
from mimidiar.annotation.turns import Turn, Turns
from mimidiar.errors import MimidiarError
from mimidiar.files import atomic_path

NO_WORDS = frozenset({"non-lex", "misc", "noscore", "non-speech"})
MISSING = frozenset({"<NA>", "NA"})
SAME_SEC = 1e-6  # differences of times below it come from their spelling


Words = list[tuple[Word, int]]  # with the lines they are in


def read_ctm(path: str | Path, reading: Reading = PLAIN) -> dict[str, list[Turn]]:
    """The turns that the words of each speaker make. Raises MimidiarError with file and line."""
    words: dict[tuple[str, str], Words] = {}
    for line, fields in numbered_fields(path):
        if len(fields) < 7 or fields[6].lower() not in NO_WORDS:
            recording, speaker, word = _word(fields, path, line)
            words.setdefault((sys.intern(recording), sys.intern(speaker)), []).append((word, line))
    with sifted(path, reading) as sieve:
        return gather((row for key, said in words.items() for row in _turns(*key, said, sieve)), reading.transcript)


def _word(fields: list[str], path: str | Path, line: int) -> tuple[str, str, Word]:
    if not 5 <= len(fields) <= 8:
        raise MimidiarError(
            f"{path}, line {line}: {len(fields)} fields, but a CTM line has 5 to 8 "
            "(recording channel start duration word [confidence [type [speaker]]])"
        )
    start = seconds_in(fields[2], path, line, "start")
    duration = seconds_in(fields[3], path, line, "duration")
    speaker = fields[7] if len(fields) == 8 and fields[7] not in MISSING else fields[1]
    return fields[0], speaker, Word(start, round(start + duration, 6), fields[4])


def _turns(recording: str, speaker: str, words: Words, sieve: Sieve) -> Iterator[Row]:
    turn: Words = []
    end = 0.0
    for word, line in sorted(words):
        if turn and word.start - end > sieve.reading.pause_sec + SAME_SEC:
            yield from _turn(recording, speaker, turn, end, sieve)
            turn = []
        turn.append((word, line))
        end = max(end, word.end)
    yield from _turn(recording, speaker, turn, end, sieve)


def _turn(recording: str, speaker: str, words: Words, end: float, sieve: Sieve) -> Iterator[Row]:
    start = words[0][0].start
    if end > start:
        text = " ".join(word.text for word, _ in words)
        yield Turn(recording, start, end, speaker), Said(text, tuple(word for word, _ in words))
    else:
        for _, line in words:
            sieve.skip("word", "of no length", line)


def write_ctm(path: str | Path, turns: Turns, transcript: Transcript) -> None:
    """Write the words of `transcript`, sorted by recording and start, in milliseconds; atomically.

    Turns without word times are left out. Raises MimidiarError for names with white space, and for recordings
    whose lines would be read as comments.
    """
    rows = sorted(
        (turn.recording, round(word.start, 3), round(word.end, 3), turn.speaker, word.text)
        for recording in turns
        for turn in turns[recording]
        for word in (transcript[turn].words if turn in transcript else ())
    )
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as stream:
        for recording, start, end, speaker, text in rows:
            check_name(recording, path, "CTM", leads=True)
            check_name(speaker, path, "CTM")
            word = one_line(text).replace(" ", "_")
            stream.write(f"{recording} 1 {start:.3f} {end - start:.3f} {word} NA lex {speaker}\n")
