"""`speaker: text`, the one line in which labels and subtitles hold who speaks and what is said."""

import re

from mimidiar.annotation.transcript import Said, one_line
from mimidiar.errors import MimidiarError

BRACKETED = re.compile(r"\[([^\]]+)\]:?(?:\s+|$)(.*)", re.DOTALL)


def caption(speaker: str, said: Said | None, path: object) -> str:
    """`speaker: text`, or `speaker:` for a turn without words. Raises MimidiarError for names that would be misread."""
    if ": " in speaker or speaker.endswith(":") or speaker.startswith("["):
        what = "a speaker's name holds no ': ', ends in no ':' and begins with no '['"
        raise MimidiarError(f"{path}: {speaker!r} cannot be written as 'speaker: text'; {what}")
    return f"{speaker}: {said.text}" if said else f"{speaker}:"


def parse_caption(text: str) -> tuple[str, Said | None]:
    """Speaker ("" where none is named) and what is said, of `speaker: text`, `[speaker] text` or `[speaker]: text`."""
    text = one_line(text)
    bracketed = BRACKETED.fullmatch(text)
    if bracketed:
        speaker, words = bracketed.groups()
    elif text.endswith(":") and ": " not in text:
        speaker, words = text[:-1], ""
    else:
        speaker, colon, words = text.partition(": ")
        if not colon:
            speaker, words = "", text
    return one_line(speaker), Said(words) if words else None
