"""The recipes from outside: their form, their options, and what they say when something is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mimidiar.config import load_config
from mimidiar.report.record import write_record
from mimidiar.report.table_file import read_table_file
from mimidiar.simulation.drawn_sets import MixtureSets
from mimidiar.simulation.plan import Simulation
from mimidiar.tests.report.records import COMMIT, make
from mimidiar.training.config import TrainConfig

EGS = Path(__file__).parents[2] / "egs"
RECIPES = sorted(EGS.glob("*/*/run.sh"))
EVERYWHERE = ["stage", "stop-stage", "nj", "ngpu", "force", "tag", "train-config", "seed"]


def run(script: Path, *options: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(script), *map(str, options)], capture_output=True, text=True, check=False, timeout=300, env=os.environ
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> list[object]:
    """Options that keep a recipe out of its own folders."""
    return ["--data", tmp_path / "data", "--feats", tmp_path / "feats", "--exp", tmp_path / "exp"]


@pytest.mark.parametrize("script", RECIPES, ids=lambda path: str(path.parent.relative_to(EGS)))
def test_a_recipe_is_short_and_explains_its_options(script: Path) -> None:
    assert len(script.read_text().splitlines()) <= 60
    for name in ("path.sh", "cmd.sh"):
        assert (script.parent / name).resolve() == EGS.parent / "utils" / name
    shown = run(script, "--help")
    assert shown.returncode == 0
    for option in EVERYWHERE:
        assert f"--{option} " in shown.stdout


@pytest.mark.parametrize(
    "script",
    [run for run in RECIPES if run.parts[-3] not in ("mini", "paper")],
    ids=lambda p: str(p.parent.relative_to(EGS)),
)
def test_a_recipe_on_a_corpus_to_be_fetched_says_what_it_needs(script: Path) -> None:
    """Corpora or the recipe that has them, disk and time of its stages."""
    head = script.read_text().split("set -euo pipefail")[0]
    needs = head[head.index("# Needs (rates in ../../README.md)") :]
    # A recipe that extracts no features spends its time in stage 5.
    costly = 3 if "if stage 3 " in script.read_text() else 5
    assert re.search(r"\d GB", needs) and re.search(rf"stage {costly}\s.*core-hour", needs, re.DOTALL)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--stage", "x"], ["--stage takes a whole number", "'x'"]),
        (["--stge", "3"], ["unknown option --stge", "--stage"]),
        (["3"], ["'3' is not an option"]),
        (["--stage", "5", "--stop-stage", "4"], ["nothing to do"]),
    ],
)
def test_wrong_options_stop_the_recipe(options: list[str], words: list[str]) -> None:
    done = run(EGS / "mini/adapter/run.sh", *options)
    assert done.returncode == 1 and all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("recipe", ["ami/adapter", "voxceleb/adapter"])
def test_leaking_data_want_a_name_that_says_so(recipe: str, elsewhere: list[object]) -> None:
    done = run(EGS / recipe / "run.sh", "--leaky", "--stop-stage", 1, *elsewhere)
    assert done.returncode == 1 and "its name must say so: --tag mimi-leaky" in done.stderr


@pytest.mark.parametrize("path", sorted(EGS.glob("ami/conf/simulate*.yaml")), ids=lambda path: path.stem)
def test_recipes_of_ami_know_all_simulated_sets_of_a_configuration(path: Path) -> None:
    """Those that begin with train are trained on, dev tuned on, test scored; the meetings come first."""
    script = "set -eu; mic=mix reference= leaky=false sim_config=$0; . ../local/corpus.sh; for n in train dev test; do"
    script += ' declare -n sets="${n}_sets"; echo "${sets[*]}"; done'
    command = ["bash", "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, cwd=EGS / "ami/adapter")
    wanted = load_config(Simulation, path).sets
    for line, split in zip(done.stdout.splitlines(), ("train", "dev", "test"), strict=True):
        assert line.split() == [f"ami_mix_{split}", *(f"sim_{name}" for name in wanted if name.startswith(split))]


# A recipe's functions, with stages that say what they were to do; its options are those of the command line.
SOURCED = """
set -eu
stage.py() { echo "$*"; }
cmd=run.py cuda_cmd=run.py
. options.sh
declare -A option_default=([tap]=)
data=data feats=feats
for option in "$@"; do declare "$option"; done
. recipe.sh
"""


@pytest.mark.parametrize(
    ("recipe", "train"), [("ami/adapter", "simulate_conversations"), ("voxceleb/adapter", "train_on_mixtures train")]
)
def test_named_sounds_are_prepared_and_are_inputs_of_what_is_trained_on(recipe: str, train: str) -> None:
    script = SOURCED + f"prepare_sounds; {train}; echo tag $experiment"

    def lines(*options: str) -> list[str]:
        line = ["bash", "-c", script, "recipe", *options]
        return subprocess.run(line, capture_output=True, text=True, check=True, cwd=EGS / recipe).stdout.splitlines()

    plain, named = lines(), lines("musan=/m", "rirs=/r")
    assert len(plain) == 2 and plain[1] == "tag mimi" and "musan" not in plain[0] and "rirs" not in plain[0]
    assert named[0].startswith("--out data/musan") and "mimidiar data prepare musan data/musan --corpus /m" in named[0]
    assert named[1].startswith("--out data/rirs") and "mimidiar data prepare rirs data/rirs --corpus /r" in named[1]
    assert "--noise data/musan" in named[2] and "--rirs data/rirs/rirs_sim_rir" in named[2]
    assert "--input data/musan --input data/rirs" in named[2] and named[3] == "tag mimi-musan-rirs"


STAGES_OF_TAPS = """
set -eu
stage.py() { echo "$*"; }
cmd=run.py cuda_cmd=run.py
. options.sh
declare -A option_default=([tap]=)
data=$1/data feats=feats stage=5 texts= musan= rirs=
for option in "${@:2}"; do declare "$option"; done
. recipe.sh; . taps.sh
find_trials; find_train
pool_taps "$train"; pool_trials trials_x
train_taps speakers "$train" "$train_config"
score_all trials_x
"""


def test_options_that_are_named_later_take_nothing_from_the_taps_before(tmp_path: Path) -> None:
    """Sentences that several speakers read, and recorded sounds: what was pooled, trained and scored without them
    stays as it is, or is made beside it."""
    for name in ("trials_x", "texts/texts_same", "texts/texts_other", "texts/train_others"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for name in ("degraded", "degraded-musan", "degraded-musan-rirs"):
        (tmp_path / "data" / name / "noise5_trials_x").mkdir(parents=True)

    def stages(*options: str) -> dict[str, str]:
        """Output folder -> the command line of its stage."""
        line = ["bash", "-c", STAGES_OF_TAPS, "recipe", str(tmp_path), *options]
        done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=EGS / "voxceleb/taps")
        return {line.split()[1]: line for line in done.stdout.splitlines()}

    plain, named = stages(), [stages("texts=a"), stages("musan=b"), stages("texts=a", "musan=b", "rirs=c")]
    assert {"feats/mimi.taps/train", "exp/mimi/seed1/speakers", "exp/mimi/cosine/trials_x"} <= set(plain)
    assert not [path for path in plain if "texts" in path or "others" in path]
    for other in named:
        assert {path for path in plain if plain[path] != other.get(path, plain[path])} == set()
    texts, sounds, both = (set(other) - set(plain) for other in named)
    assert {"feats/mimi.taps/train_others", "feats/mimi.taps/texts_same"} <= texts
    assert {f"exp/mimi-texts/{where}/texts_same" for where in ("seed1", "cosine")} <= texts
    assert "feats/mimi.taps-musan/noise5_trials_x" in sounds and "exp/mimi-musan/seed1/speakers" in sounds
    assert "exp/mimi-texts-musan-rirs/seed1/noise5_trials_x" in both


@pytest.mark.parametrize("recipe", ["adapter", "unfreeze"])
@pytest.mark.parametrize("leaky", ["false", "true"])
def test_weights_of_the_original_study_are_of_sets_that_the_recipe_trains_on(recipe: str, leaky: str) -> None:
    script = 'set -eu; . options.sh; experiment=leaky leaky=$0; . ../local/corpus.sh; echo "${train_sets[*]}"'
    folder = EGS / "ami" / recipe
    done = subprocess.run(["bash", "-c", script, leaky], capture_output=True, text=True, check=True, cwd=folder)
    config = load_config(TrainConfig, folder / "conf/ancestor.yaml")
    config.check_run("ancestor.yaml", 1, done.stdout.split())
    assert [config.weight_of(name) for name in done.stdout.split()] == [3, 1, 1, 1]


@pytest.mark.parametrize(("stage", "first"), [(2, 1), (3, 2), (4, 3), (5, 4)])
def test_a_stage_before_its_turn_names_the_one_to_run_first(stage: int, first: int, elsewhere: list[object]) -> None:
    done = run(EGS / "mini/adapter/run.sh", "--stage", stage, "--stop-stage", stage, *elsewhere)
    assert done.returncode == 1
    assert f"run stage {first} first (--stage {first}): it comes before stage {stage}" in done.stderr


@pytest.mark.parametrize("recipe", ["mini/fusion", "mini/taps", "ami/adapter", "voxceleb/adapter"])
@pytest.mark.parametrize("ngpu", [0, 1, 3])
def test_what_runs_on_a_gpu_is_started_by_the_command_for_it(
    recipe: str, ngpu: int, elsewhere: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Features and training, as their --device tells, training by a process on each GPU and its loaders on cores of
    their own; stage.py is a function here, which notes its call.
    """
    (tmp_path / "data/trials_o").mkdir(parents=True)
    (tmp_path / "env").write_text(f'stage.py() {{ echo "$cmd | $*" >> {tmp_path / "called"}; }}\n')
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "env"))
    monkeypatch.setenv("MIMIDIAR_CMD", "slurm.py --partition short")
    done = run(EGS / recipe / "run.sh", "--ngpu", ngpu, "--nj", 4, "--stage", 2, "--stop-stage", 4, *elsewhere)
    assert done.returncode == 0, done.stderr
    lines = [line.split(" | ") for line in (tmp_path / "called").read_text().splitlines()]
    device, processes, workers, cores = {0: ("cpu", 1, 0, 1), 1: ("cuda", 1, 4, 5), 3: ("cuda", 3, 2, 9)}[ngpu]
    for command, stage in lines:
        wanted = "slurm.py --partition short"
        if "--device" in stage and ngpu:
            wanted += " --gpu 1"
        if "mimidiar train " in stage:
            wanted += f" --gpu {ngpu} --cpus {cores}" if ngpu else ""
            assert f"--device {device} --processes {processes} --num-workers {workers}" in stage
        assert command == wanted and ("--device" not in stage or f"--device {device}" in stage)
    assert len([stage for _, stage in lines if "--device c" in stage]) >= 2


@pytest.mark.parametrize(
    "script", [*EGS.glob("ami/*/run.sh"), EGS / "voxceleb/adapter/run.sh", EGS / "mini/adapter/run.sh"]
)
def test_features_in_16_bits_are_made_beside_the_others_and_trained_on_apart(
    script: Path, elsewhere: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """stage.py is a function here, which notes its call."""
    (tmp_path / "env").write_text(f'stage.py() {{ echo "$*" >> {tmp_path / "called"}; }}\n')
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "env"))

    def stages(*options: object) -> dict[str, str]:
        """Output folder -> the command line of its stage."""
        done = run(script, *options, "--stage", 3, "--stop-stage", 4, *elsewhere)
        assert done.returncode == 0, done.stderr
        lines = (tmp_path / "called").read_text().splitlines()
        (tmp_path / "called").unlink()
        return {line.split()[1]: line for line in lines}

    plain, short = stages(), stages("--compress")
    assert stages("--compress", "false") == plain
    assert len(plain) == len(short) > 2 and not set(plain) & set(short)
    assert not any("16bit" in line or "--compress" in line for line in plain.values())
    assert all("-16bit" in out and "-16bit" in line.split(" -- ")[1] for out, line in short.items())
    assert all(("--compress" in line) == ("mimidiar feats extract" in line) for line in short.values())


def test_a_corpus_that_is_not_there_is_named_and_nothing_is_written(tmp_path: Path, elsewhere: list[object]) -> None:
    done = run(EGS / "mini/baseline/run.sh", "--corpus", tmp_path / "none", "--stop-stage", 1, *elsewhere)
    assert done.returncode == 1 and f"{tmp_path / 'none'}" in done.stderr
    assert {path.name for path in tmp_path.glob("data/*")} <= {".stage.json", ".stage.lock", "log"}


@pytest.mark.parametrize("path", sorted(EGS.glob("*/conf/simulate*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_simulation_is_valid(path: Path) -> None:
    sets = load_config(Simulation, path).sets
    assert {options.split for options in sets.values()} in ({"train"}, {"dev", "test"}, {"train", "dev", "test"})
    for name, options in sets.items():
        options.check(name)


@pytest.mark.parametrize("path", sorted(EGS.glob("*/conf/mixtures*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_set_of_mixtures_is_valid_and_the_recipe_knows_it(path: Path) -> None:
    """Of what is not leaky, the set that is watched and the one that is scored are of different speakers."""
    sets, leaky = load_config(MixtureSets, path).sets, "leaky" in path.stem
    assert list(sets) == [f"{name}{'_leaky' * leaky}" for name in ("dev", "test")]
    for name, options in sets.items():
        options.check(name)
    assert [options.split for options in sets.values()] == (["dev", "dev"] if leaky else ["dev", "test"])
    assert len({options.seed for options in sets.values()}) == 2


TABLES = sorted(
    [
        *EGS.glob("*/conf/table.yaml"),
        EGS / "mini/conf/summary.yaml",
        *EGS.glob("*/*/conf/table.yaml"),
        *EGS.glob("paper/conf/*.yaml"),
    ]
)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: str(path.relative_to(EGS)))
def test_every_shipped_table_is_valid(path: Path) -> None:
    file = read_table_file(path)
    assert file.tables and file.title and file.records


@pytest.mark.parametrize("script", RECIPES, ids=lambda path: str(path.parent.relative_to(EGS)))
def test_every_recipe_has_a_table(script: Path) -> None:
    own, shared = script.parent / "conf/table.yaml", script.parents[1] / "conf/table.yaml"
    names = [table.name for table in read_table_file(own if own.is_file() else shared).tables]
    assert own.is_file() or script.parent.name in names
    assert (script.parent / "RESULTS.md").is_file()


def test_all_mini_recipes_say_how_long_they_take_where_they_are_and_their_own_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stages and reports are functions here: the one does nothing, the other says what it was asked for in 60 lines."""
    (tmp_path / "env").write_text('stage.py() { :; }\nmimidiar() { echo "$*"; seq 59; }\n')
    (tmp_path / "work/data/trials_o").mkdir(parents=True)
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "env"))
    done = run(EGS / "mini/run_all.sh", "--seeds", "1 2", "--work", tmp_path / "work", "--nj", 3, "--corpus=")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    start = (
        r"==== egs/mini: baseline probe adapter; seeds 1 2: 7 steps, about (\d+) minutes with --nj 3 \((\d+) minutes of"
    )
    minutes, of_one_core = map(int, re.match(start, lines[0]).groups())
    assert minutes == of_one_core // 3 + 1
    steps = [line for line in lines if line.startswith("==== step")]
    assert [line.split(":")[0] for line in steps] == [f"==== step {n} of 7" for n in range(1, 8)]
    assert f" min so far, about {minutes} min to go" in steps[0]
    assert re.search(r": adapter, scores; \d+ min so far, about \d+ min to go", steps[6])
    table = lines[lines.index("1") - 1 :]
    assert len(table) <= 40 and table[0].startswith(
        "report conf/summary.yaml --only baseline --only probe --only adapter "
    )
    assert table[-1].startswith("... and 22 lines more: ")
    assert lines.count("== egs/mini/adapter: stage 4: training ==") == 4  # two encoders, two seeds


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the recipes, so that nothing here is touched, without records."""
    root = EGS.parent
    for name in ("utils", "tools"):
        (tmp_path / name).symlink_to(root / name)
    left_out = shutil.ignore_patterns("data", "feats", "exp", "downloads", "results")
    shutil.copytree(EGS, tmp_path / "egs", symlinks=True, ignore=left_out)
    shutil.copy(root / "README.md", tmp_path)
    return tmp_path


def test_a_table_or_picture_that_differs_from_its_records_is_found(copied: Path) -> None:
    """run.sh writes what the records give; with --check it names what differs and fails, and changes nothing."""
    script, table = copied / "egs/paper/run.sh", copied / "egs/paper/tables/table1.md"
    picture = copied / "egs/paper/figures/progression.svg"
    metrics = dict.fromkeys(["miss", "false_alarm", "confusion", "speaker_count_accuracy"], 1.0)
    stage = {"folder": "exp/a", "directory": "egs/mini/adapter", "commands": [], "commits": [COMMIT], "doubt": None}
    record = make("adapter-logmel", set="sim_test", metrics=metrics | {"der": 20.0}, stages=[stage])
    write_record(copied / "egs/mini/adapter/results", record)
    assert run(script).returncode == 0 and "<svg" in picture.read_text()
    table.write_text(table.read_text().replace("35.01", "25.01"))
    picture.write_text("of other figures")
    done = run(script, "--check")
    assert done.returncode == 1 and done.stdout.count("as its records give it: ") > 5
    assert done.stderr.count("error") == 2 and "tables/table1.md: differs from what its records give" in done.stderr
    assert "figures/progression.svg: differs from what figures/progression.json gives" in done.stderr
    assert "25.01" in table.read_text() and picture.read_text() == "of other figures"
