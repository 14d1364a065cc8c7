"""What `mimidiar score` does where tools disagree, from outside, as `mimidiar.score.diarization` documents it."""

import gzip
import json

import pytest
from click.testing import CliRunner, Result

from mimidiar.annotation.supervisions import write_supervisions
from mimidiar.annotation.turns import Turn
from mimidiar.cli import cli
from mimidiar.errors import MimidiarError


def rttm(*turns: tuple) -> str:
    """RTTM lines of (recording, start, duration, speaker)."""
    return "".join("SPEAKER {} 1 {} {} <NA> <NA> {} <NA> <NA>\n".format(*turn) for turn in turns)


REF = rttm(("a", 0, 6, "x"), ("a", 6, 4, "y"))


@pytest.fixture
def score(tmp_path):
    """score(REF text, HYP text, UEM text or None, *options) -> (score.json, what was printed to stderr)."""

    def run(ref: str, hyp: str, uem: str | None = None, *options: str) -> tuple[dict, str]:
        files = {"ref.rttm": ref, "hyp.rttm": hyp} | ({} if uem is None else {"all.uem": uem})
        for name, text in files.items():
            (tmp_path / name).write_text(text, newline="")
        paths = [str(tmp_path / name) for name in ("ref.rttm", "hyp.rttm")]
        options += () if uem is None else ("--uem", str(tmp_path / "all.uem"))
        done = CliRunner().invoke(cli, ["score", *paths, *options, "-o", str(tmp_path / "out")])
        if done.exception:
            raise done.exception
        return json.loads((tmp_path / "out" / "score.json").read_text()), done.stderr

    return run


def test_a_recording_of_the_reference_alone_is_all_missed(score):
    document, said = score(REF + rttm(("b", 0, 10, "z")), REF)
    assert (document["der"], document["miss"]) == (50, 50)
    assert "warning: no hypothesis for recording 'b'" in said


def test_a_recording_of_the_hypothesis_alone_is_refused_or_false_alarm(score):
    extra = rttm(("b", 1, 2, "h"))
    with pytest.raises(MimidiarError, match="'b', in neither reference nor UEM"):
        score(REF, REF + extra)
    with pytest.raises(MimidiarError, match="'b', in neither reference nor UEM"):
        score(REF, REF + extra, "a 1 0 10\n")
    document, said = score(REF, REF + extra, "a 1 0 10\nb 1 0 10\n")
    assert (document["der"], document["false_alarm"]) == (20, 20)
    assert "no reference turns for recording 'b'" in said


def test_a_recording_that_the_uem_lacks_is_left_out(score):
    document, said = score(REF + rttm(("b", 0, 10, "z")), REF, "a 1 0 10\n")
    assert (document["der"], document["n_recordings"]) == (0, 1)
    assert "not in the UEM, so not scored: recording 'b'" in said


def test_a_uem_of_other_recordings_is_refused(score):
    with pytest.raises(MimidiarError, match=r"no recording in common: .*'c'.*'a'"):
        score(REF, REF, "c 1 0 10\n")


def test_overlapping_uem_regions_are_joined(score):
    document, _ = score(REF, REF, "a 1 0 4\na 1 2 5\n")
    assert document["seconds"]["scored"] == document["seconds"]["reference"] == 5


def test_turns_of_no_length_change_nothing_and_are_noted(score):
    empty = rttm(("a", 3, 0, "x"), ("a", 4, "0.000", "nobody"))
    document, said = score(empty + REF, REF + empty)
    assert (document["der"], document["speaker_count_accuracy"]) == (0, 100)
    assert "ref.rttm: 2 turns of no length passed over, the first in line 1" in said
    assert "hyp.rttm: 2 turns of no length passed over, the first in line 3" in said
    assert len(document["warnings"]) == 2


@pytest.mark.parametrize("turn", [("a", 3, -1, "x"), ("a", -1, 3, "x")])
def test_negative_times_are_refused(score, turn):
    with pytest.raises(MimidiarError, match=r"hyp\.rttm, line 3: the (start|duration) is '-1'"):
        score(REF, REF + rttm(turn))


def test_overlapping_turns_of_one_speaker_count_once(score):
    document, _ = score(REF, rttm(("a", 0, 4, "h"), ("a", 2, 4, "h"), ("a", 0, 6, "h"), ("a", 6, 4, "k")))
    assert (document["der"], document["seconds"]["reference"], document["overlap_precision"]) == (0, 10, None)


def test_crlf_comments_and_other_lines_are_passed_over(score):
    info = "SPKR-INFO a 1 <NA> <NA> <NA> adult_female x <NA>\r\nLEXEME a 1 0 1 word lex x <NA>\r\n"
    document, said = score(
        ";; made by hand\r\n# so\r\n\r\n" + info + REF.replace("\n", "\r\n"), REF, "; u\r\na 1 0 10\r\n"
    )
    assert (document["der"], document["seconds"]["reference"], said) == (0, 10, "")


def test_channels_are_ignored(score):
    document, _ = score(REF, REF.replace(" 1 6 4", " 2 6 4"))
    assert document["der"] == 0


def test_without_uem_the_extent_covers_both(score):
    """md-eval would not see the false alarm after the last reference turn."""
    document, _ = score(REF, REF + rttm(("a", 10, 5, "y")))
    assert (document["false_alarm"], document["seconds"]["scored"]) == (50, 15)
    assert "first to the last turn of reference and hypothesis" in document["protocol"]["extent"]


def test_collar_and_overlap_hold_for_speech_as_well(score):
    """Speech is 0.5 s late: half of it in a collar of 0.25 s, all of it in one of 0.5 s."""
    late = rttm(("a", 0.5, 5.5, "x"), ("a", 6, 4, "y"))
    assert score(REF, late)[0]["vad_miss"] == 5
    assert score(REF, late, None, "--collar", "0.25")[0]["seconds"]["missed"] == 0.25
    assert score(REF, late, None, "--collar", "0.5")[0]["vad_miss"] == 0
    both = REF + rttm(("a", 2, 3, "z"))
    document, _ = score(both, REF, None, "--skip-overlap")
    assert (document["der"], document["seconds"]["scored"], document["overlap_f1"]) == (0, 7, None)
    document, _ = score(both, REF)
    assert (document["overlap_recall"], document["overlap_precision"], document["overlap_f1"]) == (0, None, 0)


def scored(folder, *paths) -> tuple[dict, Result]:
    done = CliRunner().invoke(cli, ["score", *map(str, paths), "-o", str(folder / "out")], catch_exceptions=False)
    return json.loads((folder / "out" / "score.json").read_text()), done


def test_supervisions_score_as_the_rttm_does(tmp_path):
    turns = {"a": [Turn("a", 0.0, 6.0, "x"), Turn("a", 6.0, 10.0, "y")], "b": [Turn("b", 0.5, 2.25, "x")]}
    hyp = {"a": [Turn("a", 0.0, 7.0, "h"), Turn("a", 7.0, 10.0, "k")], "b": [Turn("b", 0.25, 2.25, "h")]}
    for name, side in (("ref", turns), ("hyp", hyp)):
        (tmp_path / name).mkdir()
        write_supervisions(tmp_path / name / "supervisions.jsonl.gz", side)
        lines = [(t.recording, t.start, t.duration, t.speaker) for own in side.values() for t in own]
        (tmp_path / f"{name}.rttm").write_text(rttm(*lines))
    by_rttm, _ = scored(tmp_path, tmp_path / "ref.rttm", tmp_path / "hyp.rttm")
    by_folder, _ = scored(tmp_path, tmp_path / "ref", tmp_path / "hyp")
    mixed, _ = scored(tmp_path, tmp_path / "ref" / "supervisions.jsonl.gz", tmp_path / "hyp.rttm")
    files = {"protocol": None, "hypothesis_sha256": None}
    for document in (by_folder, mixed):
        assert document | files == by_rttm | files
    assert by_rttm["der"] == pytest.approx(100 * 1.25 / 11.75)


def test_the_hash_of_supervisions_is_about_what_is_in_them(tmp_path):
    path, hyp = tmp_path / "ref.jsonl.gz", tmp_path / "hyp.rttm"
    hyp.write_text(REF)
    write_supervisions(path, {"a": [Turn("a", 0, 6, "x")]})
    first, _ = scored(tmp_path, path, hyp)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1, mtime=1))
    again, _ = scored(tmp_path, path, hyp)
    write_supervisions(path, {"a": [Turn("a", 0, 7, "x")]})
    other, _ = scored(tmp_path, path, hyp)
    hashes = [document["protocol"]["reference_sha256"] for document in (first, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_packed_files_score_and_hash_as_unpacked_ones(tmp_path):
    texts = {"ref/a.rttm": REF, "ref/b.rttm": rttm(("b", 0, 5, "z")), "all.uem": "a 1 0 10\nb 1 0 10\n"}
    texts["hyp.rttm"] = rttm(("a", 1, 9, "h"), ("b", 0, 5, "k"))
    documents = []
    for folder, suffix in ((tmp_path / "plain", ""), (tmp_path / "packed", ".gz")):
        (folder / "ref").mkdir(parents=True)
        for name, text in texts.items():
            (folder / f"{name}{suffix}").write_bytes(gzip.compress(text.encode()) if suffix else text.encode())
        for ref in ("ref", f"ref/a.rttm{suffix}"):
            files = [folder / ref, folder / f"hyp.rttm{suffix}", "--uem", folder / f"all.uem{suffix}"]
            documents.append(scored(tmp_path, *files)[0])
    assert documents[:2] == documents[2:]
    assert documents[0]["der"] == pytest.approx(100 * 5 / 15)


def test_a_folder_with_both_is_read_as_rttm_and_one_with_neither_refused(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "hyp.rttm").write_text(REF)
    with pytest.raises(MimidiarError, match=r"no \*\.rttm and no supervisions\.jsonl\.gz"):
        scored(tmp_path, tmp_path / "set", tmp_path / "hyp.rttm")
    (tmp_path / "set" / "ref.rttm").write_text(REF)
    write_supervisions(tmp_path / "set" / "supervisions.jsonl.gz", {"a": [Turn("a", 0, 99, "x")]})
    assert scored(tmp_path, tmp_path / "set", tmp_path / "hyp.rttm")[0]["seconds"]["reference"] == 10
