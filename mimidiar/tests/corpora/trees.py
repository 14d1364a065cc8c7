"""Made-up corpora in the layouts that the readers expect."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 16000


def write_audio(path: Path, seconds: float = 1.0, rate: int = RATE, channels: int = 1, **options: str) -> Path:
    """Noise of a fixed seed; `options` go to soundfile (subtype, format)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (round(seconds * rate), channels) if channels > 1 else round(seconds * rate)
    soundfile.write(str(path), 0.1 * np.random.default_rng(0).standard_normal(shape), rate, **options)
    return path


def write_pack(root: Path, speakers: int = 4, utterances: int = 2) -> Path:
    """A corpus with the folders `words` (utterances of speakers w-00, w-01, ...) and `talks` (one conversation)."""
    rows = ["utt_id\tspeaker\tpath\tseconds\tsession\tgender"]
    for s in range(speakers):
        for u in range(utterances):
            name = f"w-{s:02d}-{u}"
            write_audio(root / "words" / "flac" / f"{name}.flac")
            rows.append(f"{name}\tw-{s:02d}\tflac/{name}.flac\t1.000\tsession-{s}\t{'fm'[s % 2]}")
    (root / "words" / "utts.tsv").write_text("\n".join(rows) + "\n")
    write_audio(root / "talks" / "audio" / "talk.flac", 5.0)
    (root / "talks" / "recordings.tsv").write_text("uri\tpath\tseconds\ntalk\taudio/talk.flac\t5.000\n")
    line = "SPEAKER talk 1 {} <NA> <NA> {} <NA> <NA>\n"
    rttm = line.format("0.500 2.000", "ann") + line.format("2.000 2.500", "bob")
    for kind, line in (("rttm", rttm), ("uem", "talk 1 0.000 5.000\n")):
        (root / "talks" / kind).mkdir()
        (root / "talks" / kind / f"talk.{kind}").write_text(line)
    return root


def edit(path: Path, old: str, new: str) -> None:
    """Replace text in a file, which must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
