"""VoxCeleb1, LibriSpeech and AMI in their published layouts, a few minutes each, made of the mini corpus' real speech.

A small tree of another corpus is a function write_small_<corpus> in a file <corpus>_trees.py beside this one.

Names of speakers and meetings are those of the published corpora, which the readers check; the voices are others.
"""

import importlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from mimidiar.annotation.turns import Turn
from mimidiar.audio.corpus_audio import SAMPLE_RATE
from mimidiar.audio.files import read_audio
from mimidiar.corpora.conversations import Conversation
from mimidiar.corpora.mini import MiniCorpus, read_mini_corpus
from mimidiar.corpora.utterances import Utterance
from mimidiar.tests.corpora.meetings import SEGMENT, write_xml
from mimidiar.tests.corpora.published import write_librispeech, write_voxceleb1

MAKER = "write_small_"
# A few of the 40 test speakers, and others.
VOX_TEST = [f"id{10270 + k}" for k in range(8)]
VOX_DEV = [f"id{10001 + k}" for k in range(10)]
VOX_UTTERANCES = 4
VOX_SEC = 4.0  # from their start: each is encoded at full size many times, with all taps and degraded
LIBRI_SPEAKERS = {"train-clean-100": 12, "dev-clean": 5, "test-clean": 5}
# Meeting of the published split -> excerpt that is heard in it: no speaker is in two of the sets.
MEETINGS = {
    "EN2001a": "EN2001a", "EN2001e": "EN2001e", "EN2003a": "EN2003a", "EN2006b": "EN2006b",  # train
    "ES2011a": "ES2003a", "IS1008a": "EN2004a",  # dev
    "ES2004a": "EN2005a", "TS3003a": "EN2009b",  # test
}  # fmt: skip
SEGMENT_MARGIN_SEC = 0.1  # the transcribers cut wider than the words


def write_trees(corpus: Path, out: Path) -> None:
    """`out`/<corpus> for each small tree that there is, unless it is there."""
    missing = {name: make for name, make in tree_makers().items() if not (out / name).is_dir()}
    if not missing:
        return
    pack = read_mini_corpus(corpus)
    for name, make in missing.items():
        partial = out / f".{name}.partial"
        partial.mkdir(parents=True, exist_ok=True)
        make(pack, partial)
        partial.rename(out / name)


def tree_makers() -> dict[str, Callable[[MiniCorpus, Path], Path]]:
    """Corpus -> the function write_small_<corpus>, of the modules here whose names end in `trees`."""
    files = sorted(Path(__file__).parent.glob("*trees.py"))
    modules = [importlib.import_module(f"mimidiar.tests.full_size.{file.stem}") for file in files]
    named = {name: make for module in modules for name, make in vars(module).items()}
    return {name.removeprefix(MAKER): make for name, make in named.items() if name.startswith(MAKER)}


def write_small_voxceleb1(pack: MiniCorpus, root: Path) -> Path:
    """Eighteen speakers with four utterances each; all trials of one speaker, and as many of two."""
    voices = _voices(pack, "so762", VOX_UTTERANCES)
    utterances = {speaker: iter(next(voices)[:VOX_UTTERANCES]) for speaker in [*VOX_DEV, *VOX_TEST]}

    def sound(path: Path) -> None:
        samples = read_audio(next(utterances[path.parts[-3]]).path, SAMPLE_RATE)
        write_audio(path, samples[: round(VOX_SEC * SAMPLE_RATE)])

    return write_voxceleb1(root, dict.fromkeys(utterances, VOX_UTTERANCES), "".join(_trials()), sound)


def _trials() -> Iterator[str]:
    names = [f"{s}/-vid_{n // 2:06d}/{n % 2 + 1:05d}.wav" for s in VOX_TEST for n in range(VOX_UTTERANCES)]
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    same = [pair for pair in pairs if pair[0][:7] == pair[1][:7]]
    other = random.Random(0).sample([pair for pair in pairs if pair not in same], len(same))
    return (f"{label} {a} {b}\n" for label, part in ((1, same), (0, other)) for a, b in part)


def write_small_librispeech(pack: MiniCorpus, root: Path) -> Path:
    """The first utterances of speakers of LibriSpeech, under their own numbers, each cut in two."""
    voices = _voices(pack, "ls", 1)
    parts, halves = {}, {}
    for part, count in LIBRI_SPEAKERS.items():
        chosen = [next(voices)[0] for _ in range(count)]
        parts[part] = [int(utterance.speaker.removeprefix("ls-")) for utterance in chosen]
        for number, utterance in zip(parts[part], chosen, strict=True):
            halves[str(number)] = iter(np.array_split(read_audio(utterance.path, SAMPLE_RATE), 2))
    return write_librispeech(root, parts, sound=lambda path: write_audio(path, next(halves[path.parts[-3]])))


def _voices(pack: MiniCorpus, corpus: str, utterances: int) -> Iterator[list[Utterance]]:
    """The utterances of each speaker of a corpus, the longest first; speakers with the longest ones first."""
    found: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in sorted(pack.utterances, key=lambda each: (-each.seconds, each.id)):
        if utterance.corpus == corpus:
            found[utterance.speaker].append(utterance)
    enough = [own for own in found.values() if len(own) >= utterances]
    yield from sorted(enough, key=lambda own: -own[utterances - 1].seconds)


def write_small_ami(pack: MiniCorpus, root: Path) -> Path:
    """Eight meetings of 30 s: the microphone mix, and words and segments in NXT's XML made from the reference turns."""
    excerpts = {talk.id: talk for talks in pack.conversations.values() for talk in talks}
    talks = {meeting: excerpts[f"ami-{heard}-000-030"] for meeting, heard in MEETINGS.items()}
    annotations = root / "ami_public_manual_1.6.2"
    for meeting, talk in talks.items():
        audio = root / "wav_db" / meeting / "audio" / f"{meeting}.Mix-Headset.wav"
        write_audio(audio, read_audio(talk.audio, SAMPLE_RATE))
        for agent, speaker in _agents(talk):
            _write_layers(annotations, f"{meeting}.{agent}", [t for t in talk.turns if t.speaker == speaker], talk)
    body = "".join(_meeting_xml(meeting, talk) for meeting, talk in talks.items())
    write_xml(annotations / "corpusResources" / "meetings.xml", "meetings", body)
    (annotations / "00README_MANUAL.txt").write_text("AMI manual annotations\nRelease 1.7\n")
    return root


def _agents(talk: Conversation) -> list[tuple[str, str]]:
    """(letter of the participant, name in the corpus)."""
    return list(zip("ABCDE", sorted({turn.speaker for turn in talk.turns}), strict=False))


def _meeting_xml(meeting: str, talk: Conversation) -> str:
    speakers = "".join(
        f'      <speaker nite:id="{meeting}_{agent}" nxt_agent="{agent}" global_name="{name}"/>\n'
        for agent, name in _agents(talk)
    )
    return f'   <meeting nite:id="am_{meeting}" observation="{meeting}">\n{speakers}   </meeting>\n'


def _write_layers(folder: Path, name: str, turns: Sequence[Turn], talk: Conversation) -> None:
    """The words of one participant, two that touch in each turn, and the segments around them."""
    halves = [(start, round((start + end) / 2, 3), end) for start, end in ((turn.start, turn.end) for turn in turns)]
    words = [span for start, middle, end in halves for span in ((start, middle), (middle, end))]
    wide = [(max(0, t.start - SEGMENT_MARGIN_SEC), min(talk.seconds, t.end + SEGMENT_MARGIN_SEC)) for t in turns]
    word = '   <w nite:id="{id}" starttime="{start}" endtime="{end}">word</w>\n'
    for layer, template, spans in (("words", word, words), ("segments", SEGMENT, wide)):
        write_xml(folder / layer / f"{name}.{layer}.xml", f"{name}.{layer}", _body(f"{name}.{layer}", template, spans))


def _body(name: str, template: str, spans: Sequence[tuple[float, float]]) -> str:
    return "".join(template.format(id=f"{name}{k}", start=start, end=end) for k, (start, end) in enumerate(spans))


def write_audio(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), samples, SAMPLE_RATE, subtype="PCM_16")
