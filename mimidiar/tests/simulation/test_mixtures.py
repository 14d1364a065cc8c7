"""Mixtures of two utterances: what is labelled is what is heard, and the seeds decide all of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from click.testing import CliRunner

from mimidiar.annotation.activity import activity_matrix
from mimidiar.annotation.rttm import read_rttm
from mimidiar.cli import cli
from mimidiar.config import load_config
from mimidiar.data.manifests import read_set, write_set
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json
from mimidiar.simulation.drawn_sets import WRITTEN, MixtureSets, write_mixture_sets
from mimidiar.simulation.mixtures import Mixture, MixtureOptions, draw_mixture, read_mixture_source
from mimidiar.simulation.placement import FRAME_SAMPLES
from mimidiar.tests.tones import RATE, SECONDS, heard, write_tones

OPTIONS = MixtureOptions(overlap=[0.2, 0.5], join_gap_sec=0.0)


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tones(tmp_path_factory.mktemp("voices") / "train", [0, 1, 2, 3])


def speakers(mixture: Mixture) -> list[str]:
    return mixture.speakers


def overlap_sec(mixture: Mixture) -> float:
    one, two = mixture.placements
    return one.seconds - two.at


@pytest.mark.parametrize("options", [OPTIONS, replace(OPTIONS, max_utterance_sec=1.2)], ids=["whole", "cut"])
def test_who_is_labelled_is_heard_and_nobody_else(voices: Path, options: MixtureOptions) -> None:
    source = read_mixture_source(voices, options)
    for index in range(12):
        mixture = draw_mixture(source, options, (0, 0, index))
        samples = mixture.samples()
        assert len(samples) == mixture.num_frames * FRAME_SAMPLES and samples.dtype == np.float32
        active = activity_matrix(mixture.turns, speakers(mixture), mixture.num_frames, 12.5)
        for column, speaker in enumerate(speakers(mixture)):
            share = heard(samples, speaker, mixture.num_frames) / (0.3 * 0.2 ** (int(speaker[-1]) % 2))
            # A frame is active when its centre is: when at least half of it is heard. Times are kept to 1 ms.
            clear = np.abs(share - 0.5) > 0.1
            assert ((share > 0.5) == active[:, column])[clear].all() and clear.mean() > 0.9
        for other in set(source) - set(speakers(mixture)):
            assert heard(samples, other, mixture.num_frames).max() < 0.02


def test_overlap_is_the_share_that_was_asked_for(voices: Path) -> None:
    source = read_mixture_source(voices, OPTIONS)
    mixtures = [draw_mixture(source, OPTIONS, (1, index)) for index in range(200)]
    shares = np.array([overlap_sec(mixture) for mixture in mixtures]) / SECONDS
    assert shares.min() >= 0.2 - 1e-3 and shares.max() <= 0.5 + 1e-3
    assert abs(shares.mean() - 0.35) < 0.03 and shares.std() == pytest.approx(0.3 / 12**0.5, rel=0.15)
    pairs = {tuple(speakers(mixture)) for mixture in mixtures}
    assert len(pairs) == 12 and all(one != two for one, two in pairs)  # every ordered pair of four speakers


def test_the_seeds_and_the_set_decide_the_mixture(voices: Path) -> None:
    source = read_mixture_source(voices, OPTIONS)
    seeds = [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1)]
    drawn = [draw_mixture(source, OPTIONS, each) for each in seeds]
    assert drawn == [draw_mixture(source, OPTIONS, each) for each in seeds]
    assert len({(m.placements[1].at, *speakers(m)) for m in drawn}) == 4
    assert np.array_equal(drawn[0].samples(), draw_mixture(source, OPTIONS, seeds[0]).samples())


def test_levels_are_those_of_speech_relative_to_the_first(voices: Path) -> None:
    """Tones differ by a factor of 5; with level_db the second is so many dB above the first, whatever they were."""
    options = replace(OPTIONS, overlap=[0.0, 0.0], level_db=[6.0, 6.0])
    source = read_mixture_source(voices, options)
    for index in range(8):
        mixture = draw_mixture(source, options, (0, index))
        samples = mixture.samples()
        levels = [np.percentile(heard(samples, each, mixture.num_frames), 90) for each in speakers(mixture)]
        assert 20 * np.log10(levels[1] / levels[0]) == pytest.approx(6.0, abs=0.5)
        assert np.abs(samples).max() <= 0.99 + 1e-6


def test_levels_hold_where_speech_begins_and_ends_with_the_utterance(voices: Path) -> None:
    """The second begins between two milliseconds, and a turn's time may be rounded to before its first sample."""
    options = replace(OPTIONS, overlap=[0.0, 0.1], level_db=[6.0, 6.0])
    marked = read_mixture_source(voices, options)
    source = {who: [replace(each, speech=((0.0, each.seconds),)) for each in own] for who, own in marked.items()}
    drawn = [draw_mixture(source, options, (0, index)) for index in range(24)]
    starts = [max(turn.start for turn in mixture.turns) - mixture.placements[1].at for mixture in drawn]
    assert min(starts) < -2e-4 and max(starts) > 2e-4
    for mixture in drawn:
        samples = mixture.samples()
        levels = [np.percentile(heard(samples, each, mixture.num_frames), 90) for each in speakers(mixture)]
        assert 20 * np.log10(levels[1] / levels[0]) == pytest.approx(6.0, abs=0.5)


def test_a_level_that_is_no_number_names_the_file(voices: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, level_db=[0.0, 0.0])
    source = read_mixture_source(voices, options)
    broken = tmp_path / "broken.wav"
    soundfile.write(str(broken), np.zeros(100), RATE)  # cut short: where speech is marked, there is nothing
    source = {who: [replace(each, path=str(broken)) for each in own] for who, own in source.items()}
    with pytest.raises(MimidiarError, match=r"broken\.wav: the level of 0 samples of speech .* is nan"):
        draw_mixture(source, options, (0, 0)).samples()


def test_whole_utterances_can_be_the_labels(voices: Path) -> None:
    mixture = draw_mixture(read_mixture_source(voices, OPTIONS), replace(OPTIONS, labels="whole"), (0, 0))
    offset = mixture.placements[1].at
    assert [(turn.start, turn.end) for turn in mixture.turns] == [
        (0.0, SECONDS),
        (pytest.approx(offset, abs=1e-3), pytest.approx(offset + SECONDS, abs=1e-3)),
    ]


def test_sets_that_cannot_be_mixed_are_named(tmp_path: Path, voices: Path) -> None:
    unmarked = write_tones(tmp_path / "unmarked", [0, 1], marked=False)
    with pytest.raises(MimidiarError, match=r"no speech is marked in any of 4 utterances; .*vad=true"):
        read_mixture_source(unmarked, OPTIONS)
    assert len(read_mixture_source(unmarked, replace(OPTIONS, labels="whole"))) == 2
    with pytest.raises(MimidiarError, match="1 speaker; a mixture needs two"):
        read_mixture_source(write_tones(tmp_path / "alone", [0]), OPTIONS)
    with pytest.raises(MimidiarError, match=r"in 50 tries no two utterances were found in which both speak for 0\.5 s"):
        draw_mixture(read_mixture_source(voices, OPTIONS), replace(OPTIONS, max_utterance_sec=0.3), (0, 0))


def test_utterances_without_marked_speech_are_left_out_and_counted(
    tmp_path: Path, voices: Path, said: list[str]
) -> None:
    some = tmp_path / "some"
    found = read_set(voices)
    segments = list(found.supervisions)
    for segment in segments:
        if segment.id in ("v-0-1", "v-3-0", "v-3-1"):
            segment.alignment = None
    write_set(some, found.recordings, segments)
    said.clear()
    source = read_mixture_source(some, OPTIONS)
    assert {speaker: len(own) for speaker, own in source.items()} == {"v-0": 1, "v-1": 2, "v-2": 2}
    assert said == [f"{some}: no speech is marked in 3 of 8 utterances, left out: v-0-1, v-3-0, v-3-1"]
    whole = read_mixture_source(some, replace(OPTIONS, labels="whole"))
    assert len(whole) == 4 and len(said) == 1


@pytest.mark.parametrize(
    "setting",
    ["count=0", "overlap=[0.5,0.1]", "overlap=[0.5]", "max_utterance_sec=0.5", "level_db=[-99,0]", "labels=words"],
)
def test_options_that_cannot_be_are_named(setting: str) -> None:
    key = setting.partition("=")[0]
    with pytest.raises(MimidiarError, match=f"here: {key} is .*; it must be "):
        load_config(MixtureOptions, None, [setting]).check("here")


# --- written sets ---


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_tones(tmp_path / "data" / "dev", [0, 1])
    write_tones(tmp_path / "data" / "test", [2, 3, 4])
    return tmp_path / "data"


def config(**sets: dict) -> MixtureSets:
    return load_config(MixtureSets, None, [f"sets.{n}.{k}={v}" for n, own in sets.items() for k, v in own.items()])


def test_a_written_set_is_what_its_seeds_draw(data: Path, tmp_path: Path, said: list[str]) -> None:
    both = {"dev": {"split": "dev", "count": 2}, "test": {"split": "test", "count": 3, "seed": 7}}
    (tmp_path / "mix.yaml").write_text(yaml.safe_dump({"sets": both}))
    done = CliRunner().invoke(cli, ["mix", str(data), str(data), "--config", str(tmp_path / "mix.yaml")])
    assert done.exit_code == 0 and f"{data}/sim_test: 3 mixtures" in "".join(said)
    found = read_set(data / "sim_test")
    assert [each.id for each in found.recordings] == [f"sim_test-7-{k:05d}" for k in range(3)]
    options = MixtureOptions()
    mixture = draw_mixture(read_mixture_source(data / "test", options), options, (WRITTEN, 7, 2))
    samples, rate = soundfile.read(found.recordings["sim_test-7-00002"].sources[0].source, dtype="float32")
    assert rate == RATE and np.abs(samples - mixture.samples()).max() < 2**-14
    turns = read_rttm(data / "sim_test/ref.rttm")["sim_test-7-00002"]
    assert [(t.start, t.end, t.speaker) for t in turns] == [
        (pytest.approx(t.start, abs=1e-3), pytest.approx(t.end, abs=1e-3), t.speaker) for t in mixture.turns
    ]


def test_sets_of_the_same_speakers_are_refused_unless_the_corpus_is_leaky(data: Path) -> None:
    same = config(dev={"split": "dev", "count": 2}, test={"split": "dev", "count": 2, "seed": 1})
    with pytest.raises(MimidiarError, match=r"sim_dev and .*sim_test share 2 speaker"):
        write_mixture_sets(same, data, data)
    write_json(data / "corpus.json", {"origin": "x", "leaky": "leaky: for comparison only"})
    assert len(write_mixture_sets(same, data, data)) == 2


def test_no_set_and_a_wrong_set_write_nothing(data: Path) -> None:
    with pytest.raises(MimidiarError, match="name at least one set"):
        write_mixture_sets(MixtureSets(), data, data)
    with pytest.raises(MimidiarError, match="mixtures of set 'test': count is 0"):
        write_mixture_sets(config(dev={"count": 1}, test={"count": 0}), data, data)
    assert not list(data.glob("sim_*"))
