"""Made-up annotations for hypothesis: turns that a format should give back as they were."""

from hypothesis import strategies as st

from mimidiar.annotation.transcript import Said, Transcript, Word, gather, one_line
from mimidiar.annotation.turns import Turn

CHARACTERS = st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="/")
MISREAD = ("#", ";", "[", ".", "-", "–", "—", ">>")


def is_name(text: str) -> bool:
    """Whether every format can hold a name (spaces apart)."""
    return not text.startswith(MISREAD) and ": " not in text and not text.endswith(":") and text not in ("NA", "<NA>")


SOLID = st.text(CHARACTERS, min_size=1, max_size=6).filter(is_name)
SPACED = st.text(CHARACTERS | st.just(" "), min_size=1, max_size=8).map(one_line).filter(lambda t: t and is_name(t))
TEXTS = st.text(CHARACTERS | st.sampled_from([" ", '"', ":"]), max_size=20).map(one_line)
SILENT = st.just("")


@st.composite
def spoken(draw, names, digits: int, recordings: int = 3, texts=SILENT) -> tuple[dict[str, list[Turn]], Transcript]:
    """Turns of `recordings` or fewer with times of that many decimal `digits`, and what is said in some of them."""
    rows = []
    for recording in draw(st.lists(names, min_size=1, max_size=recordings, unique=True)):
        speakers = st.sampled_from(draw(st.lists(names, min_size=1, max_size=3, unique=True)))
        for _ in range(draw(st.integers(1, 6))):
            start, duration = draw(st.integers(0, 10**8)), draw(st.integers(1, 10**7))
            times = (round(number / 10**digits, digits) for number in (start, start + duration))
            turn, text = Turn(recording, *times, draw(speakers)), draw(texts)
            rows.append((turn, Said(text) if text and text != turn.speaker else None))
    transcript: Transcript = {}
    turns = gather(rows, transcript)
    return turns, {turn: said for turn, said in transcript.items() if said.text != turn.speaker}


@st.composite
def worded(draw, names=SOLID, recordings: int = 2) -> tuple[dict[str, list[Turn]], Transcript]:
    """Turns that are made of words: pauses up to 300 ms in them, longer ones between those of a speaker."""
    rows = []
    for recording in draw(st.lists(names, min_size=1, max_size=recordings, unique=True)):
        for speaker in draw(st.lists(names, min_size=1, max_size=2, unique=True)):
            now = 0
            for _ in range(draw(st.integers(1, 3))):
                now += draw(st.integers(301, 10**5))
                words = []
                for text in draw(st.lists(SOLID, min_size=1, max_size=3)):
                    start = now + (draw(st.integers(0, 300)) if words else 0)
                    now = start + draw(st.integers(1, 1000))
                    words.append(Word(start / 1000, now / 1000, text))
                turn = Turn(recording, words[0].start, words[-1].end, speaker)
                rows.append((turn, Said(" ".join(word.text for word in words), tuple(words))))
    transcript: Transcript = {}
    return gather(rows, transcript), transcript
