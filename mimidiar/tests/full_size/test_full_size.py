"""The small trees are what the readers take, with the mini corpus' speech in them; the weights are of full size."""

from pathlib import Path

import pytest
import torch

from mimidiar.annotation.rttm import read_rttm
from mimidiar.corpora import corpus_function
from mimidiar.corpora.mini import read_mini_corpus
from mimidiar.corpora.preparation import Preparation
from mimidiar.data.manifests import read_set
from mimidiar.encoders.mimi.sizes import FULL
from mimidiar.encoders.mimi.tap import load_mimi
from mimidiar.tests.encoders.mimi.checkpoints import DISTINCT_CODES
from mimidiar.tests.full_size.trees import LIBRI_SPEAKERS, MEETINGS, VOX_UTTERANCES, write_trees
from mimidiar.tests.full_size.voxconverse_trees import HEARD
from mimidiar.tests.full_size.weights import write_weights
from mimidiar.tests.speech import corpus_folder, speech

SETTINGS = {"voxceleb1": "any_trials=true"} | dict.fromkeys(["librispeech", "ami", "voxconverse"], "skip_missing=true")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trees")
    write_trees(corpus_folder(), folder)
    return folder


@pytest.fixture(scope="module")
def prepared(root: Path) -> Path:
    """OUT/<corpus>/<set>; what `prepare` writes it has also found valid: no speaker is in two sets."""
    for name, setting in SETTINGS.items():
        corpus_function("prepare", name)(Preparation(root / name, root / "out" / name, settings=(setting,)))
    return root / "out"


def test_the_meetings_have_the_turns_of_the_excerpts_heard_in_them(prepared: Path) -> None:
    """From the mini corpus' RTTM to words in XML and back, by the rule of only_words."""
    talks = {talk.id: talk for talks in read_mini_corpus(corpus_folder()).conversations.values() for talk in talks}
    found = {
        k: v for name in ("train", "dev", "test") for k, v in read_rttm(prepared / "ami" / name / "ref.rttm").items()
    }
    assert found.keys() == MEETINGS.keys()
    for meeting, heard in MEETINGS.items():
        theirs = sorted((t.start, t.end, t.speaker) for t in talks[f"ami-{heard}-000-030"].turns)
        assert sorted((t.start, t.end, t.speaker) for t in found[meeting]) == theirs


def test_the_debates_have_the_turns_of_the_excerpts_heard_in_them(prepared: Path) -> None:
    talks = {talk.id: talk for talks in read_mini_corpus(corpus_folder()).conversations.values() for talk in talks}
    for name, heard in HEARD.items():
        split, recording = name.split("/")
        found, theirs = read_rttm(prepared / f"voxconverse/{split}/ref.rttm")[recording], talks[f"ami-{heard}-000-030"]
        assert sorted((t.start, t.end) for t in found) == sorted((t.start, t.end) for t in theirs.turns)
        speakers = {t.speaker for t in found}
        assert len(speakers) == len({t.speaker for t in theirs.turns}) > 1 and f"{recording}-spk01" in speakers


def test_every_speaker_has_utterances_of_a_voice_of_their_own(prepared: Path) -> None:
    vox = [s for name in ("train", "dev", "test") for s in read_set(prepared / "voxceleb1" / name).supervisions]
    counts = {speaker: sum(s.speaker == speaker for s in vox) for speaker in {s.speaker for s in vox}}
    assert set(counts.values()) == {VOX_UTTERANCES} and len(counts) == 18
    trials = read_set(prepared / "voxceleb1" / "trials_o_cleaned").trials
    assert sum(label for label, *_ in trials) * 2 == len(trials) == 96
    for name, speakers in zip(("train", "dev", "test"), LIBRI_SPEAKERS.values(), strict=True):
        heard = read_set(prepared / "librispeech" / name).supervisions
        assert len({s.speaker for s in heard}) == speakers and len(list(heard)) == 2 * speakers
    sounds = {path.read_bytes() for path in prepared.parent.glob("voxceleb1/wav/*/*/*.wav")}
    assert len(sounds) == len(vox)


@pytest.mark.long
def test_all_codebooks_of_full_size_tell_frames_of_other_speech_apart(tmp_path: Path) -> None:
    """After loading, on speech that they were not filled with; deep codebooks are the first to answer with one code."""
    model = load_mimi(write_weights(tmp_path, titanet=False)["MIMI_CHECKPOINT"], FULL)
    audio = torch.from_numpy(speech(20.0, seed=1).copy())[None, None]
    with torch.no_grad():
        codes = model.encode(audio)[0]
    assert codes.shape == (32, 250)
    assert min(len(each.unique()) for each in codes) > DISTINCT_CODES
