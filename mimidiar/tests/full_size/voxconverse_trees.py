"""VoxConverse in its published layout: three recordings of 30 s, in which excerpts of the mini corpus are heard."""

from pathlib import Path

from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import read_audio
from mimidiar.corpora.conversations import Conversation
from mimidiar.corpora.mini import MiniCorpus
from mimidiar.tests.corpora.meetings import write_voxconverse
from mimidiar.tests.full_size.trees import write_audio

HEARD = {"dev/abjxc": "EN2009b", "test/aepyx": "EN2004a", "test/aggyz": "ES2003a"}


def write_small_voxconverse(pack: MiniCorpus, root: Path) -> Path:
    """One recording of dev and two of test; speakers are spk00, spk01, ... anew in each, as in the published files."""
    excerpts = {talk.id: talk for talks in pack.conversations.values() for talk in talks}
    talks = {name: excerpts[f"ami-{heard}-000-030"] for name, heard in HEARD.items()}

    def sound(path: Path) -> None:
        name = f"{path.relative_to(root).parts[0]}/{path.stem}"
        write_audio(path, read_audio(talks[name].audio, SAMPLE_RATE))

    return write_voxconverse(root, {name: _rttm(name.split("/")[1], talk) for name, talk in talks.items()}, sound)


def _rttm(recording: str, talk: Conversation) -> str:
    names = {speaker: f"spk{k:02d}" for k, speaker in enumerate(sorted({turn.speaker for turn in talk.turns}))}
    line = "SPEAKER {} 1 {:.6f} {:.6f} <NA> <NA> {} <NA> <NA>\n"
    return "".join(line.format(recording, turn.start, turn.duration, names[turn.speaker]) for turn in talk.turns)
