"""Score and trial files from outside: what `mimidiar verify` prints, writes and refuses, and how often it sorts."""

import csv
import gzip
import json
import tracemalloc
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from click.testing import CliRunner

from mimidiar.cli import cli
from mimidiar.errors import MimidiarError
from mimidiar.score.trials import align_scores, find_speakers, read_scores, read_trials, read_utt2spk, write_scores
from mimidiar.score.verification import CONVENTIONS, figures, operating_points, sort_trials
from mimidiar.score.verify_files import CELLS, det_curve, histogram, read_draws, verify_files


@pytest.fixture
def voxceleb_size(tmp_path):
    """37,611 trials of 40 speakers as in VoxCeleb1-O cleaned, with scores in another order."""
    rng = np.random.default_rng(5)
    n, n_target = 37611, 18802
    target = rng.permutation(np.arange(n) < n_target)
    enrol = rng.integers(40, size=n)
    test = np.where(target, enrol, (enrol + rng.integers(1, 40, size=n)) % 40)
    pairs = [
        (f"id{10270 + a}/x-{i}/1.wav", f"id{10270 + b}/y_{i}/2.wav")
        for i, (a, b) in enumerate(zip(enrol, test, strict=True))
    ]
    lines = [f"{int(t)} {a} {b}\n" for t, (a, b) in zip(target, pairs, strict=True)]
    (tmp_path / "trials").write_text("".join(lines))
    order = rng.permutation(n)
    write_scores(tmp_path / "scores", [pairs[i] for i in order], (rng.normal(size=n) + 2 * target)[order])
    return tmp_path / "scores", tmp_path / "trials"


def test_voxceleb_size_is_sorted_as_often_whatever_the_draws(voxceleb_size, monkeypatch):
    """What each of the draws takes is in proportion to the trials; how many seconds that are, tools/bench/score.py."""
    sort, sorted_sizes = np.argsort, []
    monkeypatch.setattr(np, "argsort", lambda a, *args, **kw: (sorted_sizes.append(len(a)), sort(a, *args, **kw))[1])
    for draws in (0, 50):
        found = verify_files(*voxceleb_size, draws=draws).document
        assert sorted_sizes == [37611, 37611]
        sorted_sizes.clear()
    assert (found["n_target"], found["n_nontarget"], found["n_speakers"]) == (18802, 18809, 40)
    assert found["eer"] == pytest.approx(100 * NormalDist().cdf(-1), abs=0.5)
    assert found["intervals"]["eer"]["low"] < found["eer"] < found["intervals"]["eer"]["high"]


def test_the_draws_are_counted_at_the_corners_of_the_curve_alone(voxceleb_size):
    """And the figures of voxceleb's size are those of a plain loop over all thresholds."""
    scored, listed = read_scores(voxceleb_size[0]), read_trials(voxceleb_size[1])
    ordered = sort_trials(align_scores(scored, listed), listed.target)
    assert ordered.threshold.size > 37000 and ordered.corners().threshold.size < 0.7 * ordered.threshold.size
    missed, accepted, gaps = 0, 18809, []
    for is_target in listed.target[np.argsort(align_scores(scored, listed))]:
        missed, accepted = missed + is_target, accepted - (not is_target)
        gaps.append((abs(missed / 18802 - accepted / 18809), missed / 18802))
    assert figures(ordered.corners().points())["eer"] == pytest.approx(100 * min(gaps)[1], abs=0.01)


TRIALS = "1 s1-a s1-b\r\n;; comment\n\n0 s1-a s2-c\r\ntarget s2-c s2-d\nnontarget s1-b s2-d\n"
SCORES = "s1-b s2-d 0.1\ns1-a s1-b 0.9\ns1-a s2-c 0.2\ns2-c s2-d 0.8\nx y 5\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "trials").write_text(TRIALS)
    (tmp_path / "scores").write_text(SCORES)
    return tmp_path / "scores", tmp_path / "trials"


def test_files_in_any_order(files):
    scores, trials = read_scores(files[0]), read_trials(files[1])
    assert trials.target.tolist() == [True, False, True, False]
    assert align_scores(scores, trials).tolist() == [0.9, 0.2, 0.8, 0.1]
    found = verify_files(*files, system="s").document
    assert (found["eer"], found["system"]) == (0, "s")
    assert found["warnings"][0] == "1 scores are of no trial and were passed over"


def test_both_orders_of_the_columns_are_read(tmp_path, files):
    kaldi = tmp_path / "kaldi"
    kaldi.write_text("s1-a s1-b target\ns1-a s2-c nontarget\n\ns2-c s2-d 1\ns1-b s2-d nontarget\n")
    ours, theirs = read_trials(files[1]), read_trials(kaldi)
    assert theirs.pairs == ours.pairs and theirs.target.tolist() == ours.target.tolist()
    assert verify_files(files[0], kaldi).document["eer"] == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 a 0\n0 b 1\n", "first and the last column both hold only labels"),
        ("1 a 0\n1 b c\nd e 1\n", "line 3: 'd e 1' is not `label enrol test`"),
        ("a 1 target\ntarget a b\n", "line 2: 'target a b' is not `enrol test label`"),
        ("1 a 0\na b c\n", "line 2: 'a b c' is neither `label enrol test` nor `enrol test label`"),
        ("# nothing\n", "no trial in this file"),
    ],
)
def test_the_labels_of_the_whole_file_tell_the_order(tmp_path, text, says):
    (tmp_path / "trials").write_text(text)
    with pytest.raises(MimidiarError, match="trials") as caught:
        read_trials(tmp_path / "trials")
    assert says in str(caught.value)


def test_a_few_lines_that_fit_both_orders_do_not_matter(tmp_path):
    (tmp_path / "trials").write_text("1 0 1\n0 1 x\n")
    assert read_trials(tmp_path / "trials").pairs == [("0", "1"), ("1", "x")]
    (tmp_path / "trials").write_text("0 1 1\nx 1 0\n")
    assert read_trials(tmp_path / "trials").pairs == [("0", "1"), ("x", "1")]


@pytest.mark.parametrize("pair", [("#a", "b"), (";a", "b"), ("a b", "c"), ("a", "b c"), ("", "b"), ("a", "")])
def test_scores_that_would_not_be_read_back_leave_no_file(tmp_path, pair):
    with pytest.raises(MimidiarError, match="cannot be written to a score file"):
        write_scores(tmp_path / "scores", [pair], [0.5])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("which", "line", "says"),
    [
        ("trials", "2 e f", "line 7"),
        ("trials", "1 s1-a", "line 7"),
        ("trials", "1 s1-a s1-b", "1 trials are given twice, the first: line 7"),
        ("trials", "1 s1-a z", "no score for 1 of 5 trials, the first: s1-a z"),
        ("scores", "s1-a s1-b 0.3", "1 scores are given twice, the first: line 6"),
        ("scores", "a e nan", "line 6: the score is 'nan'"),
        ("scores", "a e -1e31", "line 6: the score '-1e31' is beyond"),
        ("scores", "a e", "line 6: 2 fields"),
    ],
)
def test_wrong_files(files, which, line, says):
    path = files[0] if which == "scores" else files[1]
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(MimidiarError) as caught:
        verify_files(*files)
    assert says in str(caught.value)


def test_the_command_prints_and_writes(files):
    out = files[0].parent / "out"
    done = CliRunner().invoke(cli, ["verify", *map(str, files), "-o", str(out), "--name", "mine", "--draws", "200"])
    assert done.exit_code == 0, done.output
    assert "2 target and 2 non-target trials" in done.stdout and "200 draws of 2 speakers" in done.stdout
    assert "warning: only 2 speakers" in done.stderr
    document = json.loads((out / "score.json").read_text())
    assert document["kind"] == "verification" and document["system"] == "mine"
    assert document["protocol"]["conventions"] == CONVENTIONS
    assert document["protocol"]["resampled"] == "speakers" and len(document["protocol"]["trials_sha256"]) == 64
    assert set(document["intervals"]) == {"eer", "min_dcf_0.01", "min_dcf_0.05"}
    assert set(document["intervals"]["eer"]) == {"low", "high", "level"}
    rows = {name: list(csv.DictReader((out / f"{name}.csv").open())) for name in ("det", "histogram")}
    assert [float(row["fpr"]) for row in rows["det"]] == [1, 0.5, 0, 0, 0]
    assert [float(row["fnr"]) for row in rows["det"]] == [0, 0, 0, 0.5, 1]
    assert rows["det"][-1]["threshold"] == "inf"
    assert [sum(float(row[kind]) for row in rows["histogram"]) for kind in ("target", "nontarget")] == [2, 2]
    # Two speakers: a draw of one of them twice has no trial between two.
    draws = read_draws(out)
    assert len(draws) == 200 and set(draws) == {None, 0.0} and 60 < draws.count(None) < 140
    (out / "draws.csv").write_text("eer\nx\n")
    with pytest.raises(MimidiarError, match=r"draws\.csv: cannot be read"):
        read_draws(out)


def test_speakers_from_names_and_files(files):
    folder, trials = files[1].parent, read_trials(files[1])
    found = find_speakers(trials, files[1])
    assert (found.count, found.source) == (2, "names up to the first - or /")
    assert (found.enrol.tolist(), found.test.tolist()) == ([0, 0, 1, 0], [0, 1, 1, 1])
    with gzip.open(folder / "supervisions.jsonl.gz", "wt") as stream:
        for name, speaker in (("s1-a", "x"), ("s1-b", "x"), ("s2-c", "y"), ("s2-d", "y")):
            row = {"id": name, "recording_id": name, "start": 0, "duration": 2, "speaker": speaker}
            stream.write(json.dumps(row) + "\n")
    assert find_speakers(trials, files[1]).source == "supervisions.jsonl.gz beside the trials"
    (folder / "utt2spk").write_text("s1-a x\ns1-b x\ns2-c y\n")  # lacks one, so it is not taken
    assert find_speakers(trials, files[1]).source == "supervisions.jsonl.gz beside the trials"
    with pytest.raises(MimidiarError, match="no speaker of 1 utterances of the trials, the first: s2-d"):
        find_speakers(trials, files[1], folder / "utt2spk")
    (folder / "utt2spk").write_text("s1-a x\ns1-b x\ns2-c y\ns2-d z\n")
    with pytest.raises(
        MimidiarError, match=r"labels of 1 trials; the first, s2-c s2-d, is target, but of two speakers"
    ):
        find_speakers(trials, files[1], folder / "utt2spk")


@pytest.mark.parametrize(
    ("trials", "source"),
    [
        ("1 ls-367-1-2 ls-367-3-4\n0 ls-367-1-2 ls-533-1-2\n", "names up to the second - or /"),
        ("1 id1/a-b/1.wav id1/c/2.wav\n0 id1/a-b/1.wav id2/d/3.wav\n", "names up to the first - or /"),
        ("1 a b\n0 a c\n", None),
        ("1 x-a x-b\n0 x-a x-c\n", None),
    ],
)
def test_names_tell_speakers_only_where_the_labels_agree(tmp_path, trials, source):
    (tmp_path / "trials").write_text(trials)
    found = find_speakers(read_trials(tmp_path / "trials"), tmp_path / "trials")
    assert (found and found.source) == source


def test_unknown_speakers_are_said(tmp_path):
    (tmp_path / "trials").write_text("1 a b\n1 c d\n0 a c\n0 b d\n")
    (tmp_path / "scores").write_text("a b 4\nc d 2\na c 3\nb d 1\n")
    found = verify_files(tmp_path / "scores", tmp_path / "trials", draws=50).document
    assert (found["n_speakers"], found["protocol"]["resampled"]) == (None, "trials")
    assert "give --utt2spk" in found["warnings"][0] and found["intervals"]
    none = verify_files(tmp_path / "scores", tmp_path / "trials", draws=0).document
    assert (none["intervals"], none["protocol"]["resampled"]) == ({}, None)


def quantile_cell(rates: np.ndarray) -> np.ndarray:
    """Position along an axis of `CELLS` pixels, as `det_curve` cuts it."""
    limit = NormalDist().inv_cdf(1e-7)
    return np.array([(NormalDist().inv_cdf(min(max(r, 1e-7), 1 - 1e-7)) - limit) / (-2 * limit) for r in rates]) * CELLS


def test_no_visible_point_of_the_det_curve_is_lost():
    rng = np.random.default_rng(7)
    target = np.arange(20000) < 6000
    points = operating_points(rng.normal(size=20000) + 1.5 * target, target)
    kept = det_curve(points)
    assert kept.shape[0] < 3000 < points.threshold.size
    assert kept[0].tolist() == [1, 0, points.threshold[0]] and kept[-1].tolist() == [0, 1, np.inf]
    near = np.searchsorted(kept[:, 2], points.threshold, side="right") - 1  # the last kept one at or below
    for column, rates in ((0, points.fpr), (1, points.fnr)):
        assert np.abs(quantile_cell(rates) - quantile_cell(kept[near, column])).max() <= 1 + 1e-6


@pytest.mark.parametrize("scores", [[1, 1, 1], [0.1, 0.1 + 1e-17, 0.1], [1, np.nextafter(1, 2), 1], [-1e30, 1e30, 0]])
def test_histogram_counts_every_score_once(scores):
    rows = histogram(np.array(scores, dtype=float), np.array([True, False, False]))
    assert rows[:, 2:].sum(axis=0).tolist() == [1, 2]
    assert rows[0, 0] == min(scores) and rows[-1, 1] == max(scores)


def corrupted(rng: np.random.Generator, text: bytes) -> bytes:
    """The file cut short, with bytes changed, doubled, or nothing but random bytes."""
    kind, where = rng.integers(4), int(rng.integers(len(text)))
    noise = rng.integers(256, size=int(rng.integers(1, 200)), dtype=np.uint8).tobytes()
    return [text[:where], text[:where] + noise + text[where + 1 :], text + text[where:], noise][kind]


@pytest.mark.parametrize("which", ["scores", "trials", "utt2spk", "supervisions.jsonl.gz"])
def test_damaged_files_end_in_an_answer_or_an_error(files, which):
    folder, rng = files[0].parent, np.random.default_rng(len(which))
    (folder / "utt2spk").write_text("s1-a x\ns1-b x\ns2-c y\ns2-d y\n")
    rows = [{"recording_id": n, "start": 0, "duration": 1, "speaker": n[:2]} for n in ("s1-a", "s1-b", "s2-c", "s2-d")]
    (folder / "supervisions.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    whole, errors = (folder / which).read_bytes(), 0
    option = folder / which if which.startswith(("utt", "sup")) else None
    assert verify_files(*files, utt2spk=option, draws=5).document["n_speakers"] == 2
    for _ in range(150):
        (folder / which).write_bytes(corrupted(rng, whole))
        try:
            verify_files(*files, utt2spk=option, draws=5)
        except MimidiarError as error:
            errors += 1
            assert str(folder) in str(error)
    assert errors > 50


def test_a_line_without_end_is_not_read_into_memory(files):
    with open(files[0], "wb") as stream:
        stream.truncate(200_000_000)
    tracemalloc.start()
    with pytest.raises(MimidiarError, match="line 1: over"):
        verify_files(*files)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_utt2spk_lines(tmp_path: Path):
    path = tmp_path / "utt2spk"
    path.write_text("a x\nb y\na x\n")
    assert read_utt2spk(path) == {"a": "x", "b": "y"}
    path.write_text("a x\na y\n")
    with pytest.raises(MimidiarError, match=r"line 2: 'a' is of 'x' before and 'y' here"):
        read_utt2spk(path)
    path.write_text("a x z\n")
    with pytest.raises(MimidiarError, match="line 1: 3 fields"):
        read_utt2spk(path)
