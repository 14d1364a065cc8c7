"""`speaker: text`, the line of speaker and transcript in labels and subtitles."""

import re
from pathlib import Path

from mimidiar.annotation.transcript import Said, one_line
from mimidiar.errors import MimidiarError

BRACKETED = re.compile(r"\[([^\]]+)\](?::? (.+)|:)")
SOUND = re.compile(r"\[.*\]|\(.*\)|[♪♫].*")


def caption(speaker: str, said: Said | None, path: str | Path) -> str:
    """`speaker: text`, or `speaker:` for a turn without words. Raises MimidiarError for names that would be misread."""
    if ": " in speaker or speaker.endswith(":") or speaker.startswith("["):
        what = "a speaker's name holds no ': ', ends in no ':' and begins with no '['"
        raise MimidiarError(f"{path}: {speaker!r} cannot be written as 'speaker: text'; {what}")
    return f"{speaker}: {said.text}" if said else f"{speaker}:"


def parse_caption(text: str) -> tuple[str, Said | None]:
    """Speaker ("" if missing) and transcript of `speaker: text`, `[speaker] text` or `[speaker]: text`."""
    text = one_line(text)
    bracketed = BRACKETED.fullmatch(text)
    if bracketed:
        speaker, words = bracketed[1], bracketed[2]
    elif text.endswith(":") and ": " not in text:
        speaker, words = text[:-1], ""
    else:
        speaker, colon, words = text.partition(": ")
        if not colon:
            speaker, words = "", text
    return one_line(speaker), Said(words) if words else None


def is_sound(text: str) -> bool:
    """Whether a caption without a speaker describes a sound, such as `[music]`, `(laughter)` and `♪ la la`."""
    return SOUND.fullmatch(one_line(text)) is not None
