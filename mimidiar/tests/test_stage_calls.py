"""What the recipes of fusion and linking have their stages make, and of what."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mimidiar.diarize.pretrained import read_diarizer
from mimidiar.models.build import load_model
from mimidiar.models.projection import load_projection

EGS = Path(__file__).parents[2] / "egs"


@pytest.fixture
def commands(tmp_path: Path):
    """Call a recipe with a stage.py that only notes down what it is called with; returns its lines by output folder."""
    (tmp_path / "bin").mkdir()
    note = tmp_path / "bin/stage.py"
    note.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\n')
    note.chmod(0o755)

    def call(recipe: str, *options: str) -> dict[str, str]:
        # BASH_ENV is read when the recipe starts: a function comes before whatever path.sh puts into PATH.
        (tmp_path / "env").write_text(f'stage.py() {{ {note} "$@"; }}\n')
        (tmp_path / "data/trials_o").mkdir(parents=True, exist_ok=True)
        folders = [f"--{name}={tmp_path / name}" for name in ("data", "feats", "exp")]
        done = subprocess.run(
            [str(EGS / recipe / "run.sh"), *options, *folders],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"BASH_ENV": str(tmp_path / "env")},
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        lines = (tmp_path / "called").read_text().replace(f"{tmp_path}/", "").splitlines()
        return {line.split()[1]: line for line in lines}

    return call


def test_systems_differ_in_their_input_alone(commands) -> None:
    found = commands("mini/fusion", "--stage", "4", "--stop-stage", "4", "--seed", "7")
    trained = {folder.removeprefix("exp/mimi-random/seed7/").removesuffix("/model"): found[folder] for folder in found}
    assert list(trained) == ["mimi", "speaker", "concat", "voices", "likeness"]
    voices = "campplus.window1.5-hop1.2-speech"
    feats = {"mimi": "mimi-random", "speaker": voices, "voices": voices}
    for system, line in trained.items():
        own = feats.get(system, f"mimi-random+{voices}")
        assert f"--train data/sim_train feats/{own}/sim_train --dev data/sim_dev feats/{own}/sim_dev " in line
        assert "--config conf/train.yaml --seed 7" in line
        assert ("--set fusion.anchors=4" in line) == (system in ("voices", "likeness"))


def test_diarizers_differ_in_one_thing_each(commands) -> None:
    found = commands("mini/diarizer", "--stage", "4", "--stop-stage", "4", "--seed", "2", "--loaders", "3")
    trained = {folder.split("/")[-2]: line for folder, line in found.items() if folder.endswith("/model")}
    assert list(trained) == ["fusion", "plain", "untrained", "distil", "mimi", "random"]
    alone, voices = ("distil", "mimi", "random"), "+campplus.window1.5-hop0.6-speech"
    codecs = {"distil": "mimi-mini-distil", "untrained": "mimi-random", "random": "mimi-random"}
    for system, line in trained.items():
        codec, heard = codecs.get(system, "mimi-mini"), "" if system in alone else voices
        assert f" --dev data/talk_dev feats/{codec}{heard}/talk_dev --config conf/train.yaml --seed 2 " in line
        assert (f"--checkpoint {EGS.parent}/mimidiar/assets/{codec}.safetensors" in line) == (codec != "mimi-random")
        assert ("--set fusion=null --set clustering_weight=1.0" in line) == (system in alone)
        assert ("--set talks.scene=null" in line) == (system == "plain")
        assert (f"exp/mimi-mini/seed2/{system}/probe" in found) == (system in alone)
        assert "--pool exp/pool" in line and "--num-workers 3" in line


def test_shipped_diarizers_are_tuned_again_without_being_trained(commands, tmp_path: Path) -> None:
    options = ("--stage", "4", "--stop-stage", "5", "--models", "shipped", "--systems")
    found = commands("mini/diarizer", *options, "fusion distil")
    assert not any("mimidiar train " in line or "study probe " in line for line in found.values())
    for system, name, probe in (("fusion", "mini-fusion", ""), ("distil", "mini", " exp/mimi-mini/seed1/distil/probe")):
        own, file = f"exp/mimi-mini/seed1/{system}", EGS.parent / f"mimidiar/assets/{name}.safetensors"
        assert found[f"{own}/model"].endswith(f"--input {file} -- local/unbundle.py {file} {own}/model{probe}")
        assert f"mimidiar model bundle {own}/model/model.safetensors " in found[f"{own}/diarizer"]
    with pytest.raises(RuntimeError, match="system 'plain' does not come with the package"):
        commands("mini/diarizer", *options, "plain")
    with pytest.raises(RuntimeError, match="--models other: choose trained or shipped"):
        commands("mini/diarizer", "--models", "other")


def test_a_shipped_diarizer_is_taken_apart_into_its_model_and_probe(tmp_path: Path) -> None:
    file = EGS.parent / "mimidiar/assets/mini.safetensors"
    script = EGS / "mini/diarizer/local/unbundle.py"
    subprocess.run([sys.executable, script, file, tmp_path / "model", tmp_path / "probe"], check=True)
    parts, model = read_diarizer(file), load_model(tmp_path / "model/model.safetensors")
    for name, value in parts.trained.model.state_dict().items():
        assert value.equal(model.model.state_dict()[name]), name
    assert load_projection(tmp_path / "probe/model.safetensors").dim == parts.probe.dim


@pytest.mark.parametrize(("recipe", "speaker"), [("mini", "campplus"), ("ami", "titanet")])
def test_both_encoders_are_extracted_and_named_together(commands, recipe: str, speaker: str) -> None:
    found = commands(f"{recipe}/fusion", "--stage", "3", "--stop-stage", "3", "--encoder", "logmel")
    fused = [line for line in found.values() if "mimidiar feats fuse " in line]
    assert len(fused) >= 2 and len(found) == 3 * len(fused)
    for line in fused:
        first, second, out = line.split("mimidiar feats fuse ")[1].split()
        assert f"--encoder {speaker} --tap " in found[second] and "--encoder logmel" in found[first]
        assert out.startswith(f"feats/logmel+{speaker}.window1.5-hop") and f"--input {second}" in line


def test_an_unknown_system_is_named(commands) -> None:
    with pytest.raises(RuntimeError, match="no system 'sound'; choose among mimi speaker concat voices likeness"):
        commands("mini/fusion", "--stage", "4", "--stop-stage", "4", "--systems", "sound")


@pytest.mark.parametrize(
    ("options", "tag"),
    [
        ((), "mimi"),
        (("--speaker", "campplus"), "mimi-campplus"),
        (("--speaker", "campplus", "--tag", "mine"), "mine-campplus"),
        (("--speaker-tap", "window1.5-hop0.2"), "mimi-window1.5-hop0.2"),
        (("--speaker-tap", "window1.5-hop0.2", "--tag", "mimi-ancestor"), "mimi-ancestor"),
    ],
)
def test_another_speaker_encoder_is_in_the_names(commands, options: tuple[str, ...], tag: str) -> None:
    found = commands("ami/fusion", "--stage", "5", "--stop-stage", "5", "--systems", "concat", *options)
    scored = [line for line in found.values() if "mimidiar eval binarize " in line]
    assert scored
    for line in scored:
        assert f"--out exp/{tag}/seed1/concat/" in line and f"--system fusion-concat-{tag.replace('.', '-')} " in line


def test_links_share_their_windows_and_differ_in_how_these_are_joined(commands) -> None:
    found = commands("mini/linking", "--stage", "5", "--stop-stage", "5", "--seed", "3")
    dir_, windows = "exp/mimi-random/seed3", "exp/mimi-random/seed3/windows"
    # The model is where fusion keeps its own, beside this recipe's experiments or, as here, in the repository.
    for name in ("sim_long_dev", "sim_long_test"):
        line = found[f"{windows}/{name}"]
        assert "../fusion/exp/mimi-random/seed3/likeness/model/model.safetensors feats/mimi-random+campplus" in line
        assert line.endswith("--window-sec 15 --local")
    linked = {link: found[f"{dir_}/{link}/sim_long_test/posteriors"].split(" -- ")[1] for link in LINKS}
    for link, line in linked.items():
        start = f"mimidiar eval cluster run {windows}/sim_long_test {dir_}/{link}/sim_long_test/posteriors"
        assert line.startswith(f"{start} {LINKS[link]}"), line
        tuned = found[f"{dir_}/{link}/tuned"]
        assert f"mimidiar eval tune {dir_}/{link}/sim_long_dev/posteriors data/sim_long_dev " in tuned
    assert f"--tuned {dir_}/voices/linking/tuned.yaml" in linked["counted"]
    assert linked["counted"].endswith("--oracle-count data/sim_long_test")
    tuned_links = [folder for folder in found if folder.endswith("/linking")]
    assert tuned_links == [f"{dir_}/codec/linking", f"{dir_}/voices/linking"]


def test_links_of_another_model_lie_beside_those_of_the_recipe(commands) -> None:
    """Of another speaker encoder and system: the model is where ../fusion keeps it, the results have both names."""
    found = commands("mini/linking", "--stage", "4", "--stop-stage", "5", "--speaker", "titanet", "--model", "voices")
    model = next(folder for folder in found if folder.endswith("/voices/model"))
    assert model == "../fusion/exp/mimi-random-titanet/seed1/voices/model"
    own = "exp/mimi-random-titanet-voices/seed1"
    line = found[f"{own}/windows/sim_long_test"]
    assert f"{model}/model.safetensors feats/titanet.window1.5-hop1.2-speech/sim_long_test" in line
    assert "--system linking-voices-mimi-random-titanet-voices " in found[f"{own}/voices/sim_long_test/scores"]


def test_an_unknown_way_to_cluster_is_named_before_anything_is_done(commands) -> None:
    with pytest.raises(RuntimeError, match="no system 'bad'; choose among overlap codec voices counted oracle"):
        commands("mini/linking", "--stage", "5", "--systems", "overlap bad")


def test_who_asks_what_a_recipe_does_gets_no_environment(tmp_path: Path) -> None:
    for name in ("utils", "tools"):
        (tmp_path / name).mkdir()
    (tmp_path / "utils/path.sh").write_bytes((EGS.parent / "utils/path.sh").read_bytes())
    install = tmp_path / "tools/install.sh"
    install.write_text('#!/bin/sh\ntouch "${0%/*}/installed"\n')
    install.chmod(0o755)
    for options, installs in ((["--help"], False), (["--seed", "1", "-h"], False), ([], True)):
        line = ["bash", "-c", ". utils/path.sh", "recipe", *options]
        subprocess.run(line, cwd=tmp_path, check=True)
        assert (tmp_path / "tools/installed").exists() == installs


LINKS = {
    "overlap": "--overlap",
    "codec": "--embeddings feats/mimi-random/sim_long_test "
    "--probe exp/mimi-random/seed3/probe/model.safetensors --tuned",
    "voices": "--embeddings feats/campplus.window1.5-hop1.2-speech/sim_long_test --tuned",
    "counted": "--embeddings feats/campplus.window1.5-hop1.2-speech/sim_long_test --tuned",
    "oracle": "--oracle data/sim_long_test",
}


@pytest.mark.parametrize(("config", "tag"), [("train", "mimi-mini"), ("distil", "mimi-mini-distil")])
def test_a_codec_is_trained_shipped_and_judged_as_it_is_shipped(
    commands, config: str, tag: str, tmp_path: Path
) -> None:
    plain = tmp_path / "exp/mimi-mini/seed1/model/model.safetensors"
    plain.parent.mkdir(parents=True)
    plain.touch()
    found = commands("mini/codec", "--stage", "3", "--stop-stage", "5", "--train-config", f"conf/{config}.yaml")
    own, shipped = f"exp/{tag}/seed1", f"exp/{tag}/seed1/export/{tag}.safetensors"
    targets = "feats/campplus.window3-hop1.5-speech/train"
    assert (f"--targets {targets}" in found[f"{own}/model"]) == (targets in found) == (config == "distil")
    start = "exp/mimi-mini/seed1/model/model.safetensors"
    assert (f"--start-from {start}" in found[f"{own}/model"]) == (config == "distil")
    assert (f"--input {start}" in found[f"{own}/model"]) == (config == "distil")
    assert "--train data/train" in found[f"{own}/model"] and "--processes 2" in found[f"{own}/model"]
    assert found[f"{own}/export"].endswith(f"mimidiar study codec export {own}/model/model.safetensors {shipped}")
    for folder in (f"{own}/feats/trials_o", f"{own}/dev/sound"):
        assert f"--encoder mimi-mini --checkpoint {shipped}" in found[folder] and f"--input {shipped}" in found[folder]
    assert "--codebooks 1 --codebooks 8" in found[f"{own}/dev/sound"]
    sound = f"{own}/dev/sound"
    ways = f"{sound}/unquantized {sound}/quantized1 {sound}/quantized8"
    assert f"table record {ways} --system codec-{tag} --set dev --seed 1" in found[sound]


def test_the_untrained_codec_is_judged_alike_and_without_its_codebooks(commands) -> None:
    found = commands("mini/codec", "--stage", "5", "--stop-stage", "5", "--seed", "4")
    sound = found["exp/mimi-random/dev/sound"]
    assert "--encoder mimi-random --examples" in sound and "--codebooks" not in sound
    for pooling in ("all", "centred"):
        trials = found[f"exp/mimi-random/trials_o/{pooling}"]
        assert "embed data/trials_o feats/mimi-random/trials_o" in trials
        assert "--system codec-mimi-random --set trials_o --seed 0" in trials
        assert "--system codec-mimi-mini --set trials_o --seed 4" in found[f"exp/mimi-mini/seed4/trials_o/{pooling}"]


def test_distillation_without_the_plain_codec_says_what_to_train(commands) -> None:
    with pytest.raises(
        RuntimeError, match=r"seed5/model/model\.safetensors, where training starts, is not there; train"
    ):
        commands("mini/codec", "--stage", "4", "--stop-stage", "4", "--train-config", "conf/distil.yaml", "--seed", "5")


@pytest.mark.parametrize(
    ("checkpoint", "called"), [("mimi-mini-distil", "mimi-mini-distil"), ("mimi-mini", "mimi-mini"), ("x", "mimi-mini")]
)
def test_other_weights_of_the_small_codec_have_names_of_their_own(commands, checkpoint: str, called: str) -> None:
    named = ("--encoder", "mimi-mini", "--checkpoint", f"/some/{checkpoint}.safetensors")
    found = commands("mini/baseline", "--stage", "3", "--stop-stage", "5", *named)
    features = found[f"feats/{called}/trials_o"]
    assert f"--encoder mimi-mini --checkpoint /some/{checkpoint}.safetensors" in features
    assert f"--system baseline-all-{called} " in found[f"exp/{called}/trials_o/all"]
    found = commands("mini/unfreeze", "--stage", "4", "--stop-stage", "4", *named)
    assert f"feats/{called}.transformer.0/sim_train" in found[f"exp/{called}/seed1/warm/model"]
