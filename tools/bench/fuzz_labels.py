"""Label files for `fuzz.py`: valid ones of every format, by our writers and as other programs write them, mutated."""

import gzip
import json
import random
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from mimidiar.annotation.convert import Options, formats
from mimidiar.annotation.convert import read as read_labels
from mimidiar.annotation.formats import FORMATS
from mimidiar.annotation.transcript import Said, Transcript, Word, gather
from mimidiar.annotation.turns import Turn

NAMES = ("anna", "SPEAKER_00", "Bo", "日本", "a.b")
WORDS = ("good", "day", "yes", "12:30", "“ö”", "[noise]", "<i>", "--")
# As others write them, which our writers do not.
OTHERS = {
    "rttm": [";; c\nSPKR-INFO x 1 <NA> <NA> <NA> unknown a <NA>\nSPEAKER x 2 0 1 <NA> <NA> <NA> <NA>\n"],
    "ctm": [";; c\nx A 0 1 hello 0.5\nx B 1 0 yes\nx 1 2 1 hm 0.9 fp bo\nx 1 4 1 ha NA non-lex bo\n"],
    "stm": [";; c\nx 1 a 0 1 <o,f0,male> hi\nx 1 inter_segment_gap 1 2\nx A b 2 3 ignore_time_segment_in_scoring\n"],
    "uem": [";; c\nx 1 0 10\nx 1 9 12\ny NA 3 3\n"],
    "supervisions": ['{"id": "1", "recording_id": "x", "start": 0, "duration": 1, "speaker": null, "text": "a"}\n'],
    "pyannote": [
        '{"pyannote": "Annotation", "uri": "x", "content": [{"segment": {"start": 0, "end": 1}, "label": "a"}]}',
        '[{"output": {"diarization": [{"start": 1, "end": 2, "speaker": "A"}]}}, {"uri": "y", "diarization": []}]',
    ],
    "whisper": [
        '{"segments": [{"start": 0, "end": 1.5, "text": " hi", "words": [{"word": "2"}]}], "language": "en"}',
        '[{"start": 0, "end": 1, "text": "a", "speaker": "A"}, {"start": 1, "end": 1, "text": "b"}]',
        '{"segments": [{"start": 0, "end": 3, "text": "a b c", "speaker": "A", "words": [{"word": "a", "start": 0, '
        '"end": 1, "speaker": "A"}, {"word": "b", "start": 1, "end": 2, "speaker": "B"}, {"word": "c", '
        '"speaker": "C"}]}]}',
        '{"chunks": [{"text": " a", "timestamp": [0.0, 2.5], "speaker": "A"}, {"timestamp": [2.5, null]}]}',
        '{"transcription": [{"offsets": {"from": 0, "to": 2000}, "text": " a", "speaker": "0"}]}',
    ],
    "seglst": ['[{"session_id": "x", "start_time": "0:00:40.6", "end_time": "43.8", "words": "a", "speaker": "P"}]'],
    "textgrid": [
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n4.5\n<exists>\n2\n"IntervalTier"\n"a""b"\n0\n4.5\n'
        '1\n0\n0.5\n"hm ""x"" ! <exists>"\n"TextTier"\n"bell"\n0\n4.5\n1\n0.3\n"ding"\n'
    ],
    "audacity": ["0,5\t1,5\ta\n\\\t100.0\t8000.0\n2\t2\tmark\n3\t4\t\n"],
    "srt": [
        "\ufeff1\r\n00:00:00,500 --> 00:00:01,750  X1:40\r\n(speaker 0) good\r\nday\r\n2\r\n00:00:02,000 --> "
        "00:00:03,000\r\n[music]\r\n",
        "1\n0:0:0.5 --> 0:0:1,75\n- <b>Anna:</b> good\n- {\\an8}Bo: day\n\n2\n0:0:2,0 --> 0:0:3,0\n>> Bo: yes\n"
        "Anna: 1\n",
    ],
    "vtt": [
        "WEBVTT - x\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nid\n00:01.000 --> 00:03.500 align:start\n"
        "<v.loud A &amp; B>he <i>said</i></v>\n<v C>x\n\nNOTE n\n\n00:04.000 --> 00:05.000\nnobody\n"
    ],
}
NUMBERS = ("-1", "0", "1e999", "nan", "inf", "9" * 400, "1e8", "1_0", "٣", "0x10", "1,5", "", "-0.0", "1e-9", "00:00")
TOKENS = ('"', "\x00", "{", "]", "<v ", "<v>", "-->", "\t", "\n\n", "[", ":", ";;", "#", "\ufeff", "\u2028", "&#x0;")
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-7")
VALUES = (None, True, -1, 1e300, 10**400, "", "nan", "\ud800", [], {}, [[]], {"a": {}}, "1:2:3:4")


def make(chance: random.Random) -> tuple[str, bytes]:
    """The name of a file, which tells its format, and what is in it: a valid file with up to three mutations."""
    name = chance.choice(list(FORMATS))
    data = chance.choice(valid_files(name))
    for _ in range(chance.choice([0, 1, 1, 1, 2, 2, 3])):
        change = change_json if FORMATS[name].is_it and chance.random() < 0.5 else chance.choice(MUTATIONS)
        data = change(chance, data)
    return f"x{chance.choice(FORMATS[name].suffixes)}", data


def read(path: Path) -> None:
    """As `mimidiar convert` reads a file whose target is an RTTM."""
    read_as, _ = formats(path, "out.rttm", Options())
    read_labels(path, read_as, Options(unnamed="who" if path.stat().st_size % 2 else None))


@cache
def valid_files(name: str) -> list[bytes]:
    """Files of a format: some by our writer, of seeded turns, and those of others."""
    chance, made = random.Random(name), [text.encode() for text in OTHERS[name]]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(6):
            transcript: Transcript = {}
            recordings = ["x"] if FORMATS[name].one_recording else ["x", "y-2"]
            turns = gather((row for recording in recordings for row in _rows(chance, recording)), transcript)
            path = Path(folder) / f"x{FORMATS[name].suffixes[-1]}"
            FORMATS[name].write(path, turns, transcript)
            made.append(path.read_bytes())
    return made


def _rows(chance: random.Random, recording: str):
    for _ in range(chance.randint(1, 8)):
        start = chance.randint(0, 10**6) / 1000
        end = start + chance.randint(1, 9000) / 1000
        texts = chance.choices(WORDS, k=chance.randint(1, 4))
        words = tuple(Word(start, end, text) for text in texts) if chance.random() < 0.7 else ()
        said = Said(" ".join(texts), words) if words or chance.random() < 0.5 else None
        yield Turn(recording, start, end, chance.choice(NAMES)), said


# Mutations: (chance, data) -> data


def flip_bytes(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 5)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut_off(chance: random.Random, data: bytes) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] if chance.random() < 0.7 else data[at:]


def move_lines(chance: random.Random, data: bytes) -> bytes:
    """One dropped, doubled, or swapped with another; or all in another order."""
    lines = data.splitlines(keepends=True) or [b""]
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    way = chance.randrange(4)
    if way == 0:
        del lines[one]
    elif way == 1:
        lines.insert(other, lines[one])
    elif way == 2:
        lines[one], lines[other] = lines[other], lines[one]
    else:
        chance.shuffle(lines)
    return b"".join(lines)


def swap_fields(chance: random.Random, data: bytes) -> bytes:
    """Two fields of a line swapped, or one dropped or doubled."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    fields = re.split(rb"([ \t,:]+)", lines[at])
    one, other = chance.randrange(len(fields)), chance.randrange(len(fields))
    fields[one], fields[other] = chance.choice([(fields[other], fields[one]), (b"", fields[other]), (fields[one],) * 2])
    lines[at] = b"".join(fields)
    return b"\n".join(lines)


def replace_number(chance: random.Random, data: bytes) -> bytes:
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", data))
    if not found:
        return data
    match = chance.choice(found)
    return data[: match.start()] + chance.choice(NUMBERS).encode() + data[match.end() :]


def insert_token(chance: random.Random, data: bytes) -> bytes:
    at = chance.randint(0, len(data))
    token = chance.choice(TOKENS).encode()
    return data[:at] + token * chance.choice([1, 1, 2, 1000]) + data[at + chance.randint(0, 3) :]


def encode(chance: random.Random, data: bytes) -> bytes:
    """In another encoding, with other ends of lines, or packed."""
    ends = [lambda d: gzip.compress(d, mtime=0), lambda d: d.replace(b"\n", b"\r\n"), lambda d: d.replace(b"\n", b"\r")]
    text = data.decode("utf-8", "replace")
    ways: list[Callable[[bytes], bytes]] = [lambda d: text.encode(chance.choice(ENCODINGS), "replace")] * 3
    return chance.choice([*ways, *ends])(data)


def nest(chance: random.Random, data: bytes) -> bytes:
    """In brackets, few or many."""
    opened, closed = chance.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'{"segments":', b"}"), (b"<v a>", b"</v>")])
    depth = chance.choice([1, 2, 3, 100_000])
    return opened * depth + data + closed * depth


def change_json(chance: random.Random, data: bytes) -> bytes:
    """A value anywhere in it replaced, or its key dropped; what is no JSON stays as it is."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    try:
        document = [json.loads(data)]
    except (ValueError, RecursionError):
        try:
            document = [json.loads(lines[at])]
        except (ValueError, RecursionError):
            return data
        lines[at] = _changed(chance, document)
        return b"\n".join(lines)
    return _changed(chance, document)


def _changed(chance: random.Random, document: list[Any]) -> bytes:
    """The JSON of the only item of `document` after the change."""
    node: Any = document
    while True:
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if not (isinstance(node[key], dict | list) and node[key] and chance.random() < 0.9):
            break
        node = node[key]
    if isinstance(node, dict) and chance.random() < 0.3:
        del node[key]
    else:
        node[key] = chance.choice(VALUES)
    return json.dumps(document[0]).encode()


def join_other(chance: random.Random, data: bytes) -> bytes:
    """Before or after a file of another format, or of the same."""
    other = chance.choice(valid_files(chance.choice(list(FORMATS))))
    return chance.choice([data + other, other + data])


MUTATIONS = (
    flip_bytes,
    cut_off,
    move_lines,
    swap_fields,
    replace_number,
    replace_number,
    insert_token,
    encode,
    nest,
    change_json,
    change_json,
    join_other,
)
