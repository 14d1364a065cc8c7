"""utils/parse_options.sh, stages.sh and path.sh: a recipe's options and stages, on made-up recipes."""

import shutil

import pytest

from mimidiar.tests.utils.conftest import ROOT, is_alive, pid_in, wait_for

RECIPE = """#!/usr/bin/env bash
# Exp 2: an adapter on frozen features.
#
#   run.sh --stage 3
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# --- options ---
# Which stages:
stage=1            # first stage to run
stop_stage=6       # last stage to run
# What:
# shellcheck disable=SC2034
corpus=${MY_CORPUS:-}   # folder with the corpus
train_config=conf/train.yaml   # how to train,
                               # and for how long
threshold=0.5      # of speech
title="two words"  # of the table
force=false        # start again
tag=
# --- end of options ---
. parse_options.sh
. stages.sh
for name in stage stop_stage corpus train_config threshold title force tag; do echo "$name=${!name}"; done
for n in 1 2 3; do
  if stage $n "number $n"; then echo "ran $n, $MIMIDIAR_STAGE"; fi
done
"""


@pytest.fixture
def recipe(call, tmp_path):
    """recipe(*arguments): run the recipe above from another folder."""
    folder = tmp_path / "egs/mini/adapter"
    folder.mkdir(parents=True)
    (folder / "run.sh").write_text(RECIPE)

    def run(*arguments, **more):
        return call("bash", "egs/mini/adapter/run.sh", *arguments, MIMIDIAR_ROOT=str(tmp_path), **more)

    return run


def values(done):
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line and "==" not in line)


def test_defaults_stand_without_arguments(recipe):
    assert values(recipe(MY_CORPUS="/corpora/a b")) == {
        "stage": "1",
        "stop_stage": "6",
        "corpus": "/corpora/a b",
        "train_config": "conf/train.yaml",
        "threshold": "0.5",
        "title": "two words",
        "force": "false",
        "tag": "",
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--stop-stage", "2"], {"stop_stage": "2"}),
        (["--stop-stage=2"], {"stop_stage": "2"}),
        (["--stop_stage", "2", "--stage=2"], {"stop_stage": "2", "stage": "2"}),
        (["--stage", "1", "--stage", "3"], {"stage": "3"}),
        (["--title", "a b  c"], {"title": "a b  c"}),
        (["--title=a=b $HOME `x` 'q'"], {"title": "a=b $HOME `x` 'q'"}),
        (["--tag", ""], {"tag": ""}),
        (["--tag="], {"tag": ""}),
        (["--tag=--odd"], {"tag": "--odd"}),
        (["--threshold", "-1"], {"threshold": "-1"}),
        (["--threshold", "1e-3"], {"threshold": "1e-3"}),
        (["--force", "true"], {"force": "true"}),
        (["--force=true", "--force", "false"], {"force": "false"}),
        (["--force"], {"force": "true"}),
        (["--force", "--tag", "b"], {"force": "true", "tag": "b"}),
    ],
)
def test_options(recipe, arguments, expected):
    assert expected.items() <= values(recipe(*arguments)).items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stge", "3"], "unknown option --stge; did you mean --stage?"),
        (["--stop-stages=3"], "unknown option --stop-stages; did you mean --stop-stage?"),
        (["--train_conf", "x"], "unknown option --train_conf; did you mean --train-config?"),
        (["--zzz", "3"], "unknown option --zzz (--help"),
        (["--=3"], "unknown option -- (--help"),
        (["3"], "'3' is not an option"),
        (["--stage", "1", "more"], "'more' is not an option"),
        (["-s", "1"], "'-s' is not an option"),
        (["--force", "x"], "'x' is not an option"),
        (["--"], "'--' is not an option"),
        ([""], "'' is not an option"),
        (["--stage"], "--stage needs a value"),
        (["--tag", "--stage", "3"], "--tag needs a value"),
        (["--stage", "x"], "--stage takes a whole number, not 'x'"),
        (["--stage="], "--stage takes a whole number, not ''"),
        (["--stage", "1.5"], "--stage takes a whole number, not '1.5'"),
        (["--stage", "-1"], "--stage takes a whole number from 0, not '-1'"),
        (["--threshold", "high"], "--threshold takes a number, not 'high'"),
        (["--force=yes"], "--force takes true or false, not 'yes'"),
        (["--stage", "3", "--stop-stage", "2"], "--stage 3 is after --stop-stage 2: nothing to do"),
    ],
)
def test_wrong_arguments_stop_the_script(recipe, arguments, message):
    done = recipe(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"run.sh: error: {message}") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_the_head_of_the_script_and_its_options(recipe, option):
    done = recipe("--stage", "2", option)
    assert done.returncode == 0
    assert done.stdout == (
        "Exp 2: an adapter on frozen features.\n"
        "\n"
        "  run.sh --stage 3\n"
        "\n"
        "Options, with their defaults:\n"
        " Which stages:\n"
        "  --stage 1                       first stage to run\n"
        "  --stop-stage 6                  last stage to run\n"
        " What:\n"
        "  --corpus ${MY_CORPUS:-}         folder with the corpus\n"
        "  --train-config conf/train.yaml  how to train,\n"
        "                                  and for how long\n"
        "  --threshold 0.5                 of speech\n"
        '  --title "two words"             of the table\n'
        "  --force false                   start again\n"
        '  --tag ""\n'
    )


def test_stages_from_first_to_last(recipe):
    done = recipe("--stage", "2", "--stop-stage", "3")
    assert done.stdout.splitlines()[-4:] == [
        "== egs/mini/adapter: stage 2: number 2 ==",
        "ran 2, 2",
        "== egs/mini/adapter: stage 3: number 3 ==",
        "ran 3, 3",
    ]


def test_recipe_without_a_block_is_told(call, tmp_path):
    (tmp_path / "run.sh").write_text("set -eu\n. parse_options.sh\n")
    done = call("bash", "run.sh")
    assert done.returncode == 1 and "run.sh: error: no block between '# --- options ---'" in done.stderr


SHARED = """option_blocks=(./shared.sh)
# --- options ---
# Of all recipes:
stage=1            # first stage to run
tag=               # name of the experiment
nj=4               # jobs
# --- end of options ---
"""


def test_options_of_several_blocks_are_one_list_in_which_the_last_default_counts(call, tmp_path):
    (tmp_path / "shared.sh").write_text(SHARED)
    own = ". ./shared.sh\n# --- options ---\nnj=2    # jobs of this recipe\nspeed=1.0\n# --- end of options ---\n"
    show = '. parse_options.sh\necho "$stage $tag $nj $speed ${option_default[nj]}"\n'
    (tmp_path / "run.sh").write_text(f"#!/bin/bash\n# A recipe.\nset -eu\n{own}{show}")
    done = call("bash", "run.sh", "--stage", "3", "--tag=a", "--nj", "5")
    assert done.stdout == "3 a 5 1.0 2\n"
    assert "--nj takes a whole number" in call("bash", "run.sh", "--nj", "x").stderr
    assert "did you mean --stage?" in call("bash", "run.sh", "--stge", "1").stderr
    assert call("bash", "run.sh", "--help").stdout == (
        "A recipe.\n"
        "\n"
        "Options, with their defaults:\n"
        "  --nj 2       jobs of this recipe\n"
        "  --speed 1.0\n"
        "\n"
        "Options that recipes share, with their defaults:\n"
        " Of all recipes:\n"
        "  --stage 1    first stage to run\n"
        '  --tag ""     name of the experiment\n'
    )


@pytest.fixture
def project(tmp_path):
    """A folder with what path.sh needs, an installer that notes its calls, and the links of a recipe."""
    for name in ("tools/venv/bin", "utils", "egs/mini/adapter"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("path.sh", "cmd.sh", "environment.sh"):
        (tmp_path / "utils" / name).write_text((ROOT / "utils" / name).read_text())
    for name in ("path.sh", "cmd.sh"):
        (tmp_path / "egs/mini/adapter" / name).symlink_to(f"../../../utils/{name}")
    install = tmp_path / "tools/install.sh"
    install.write_text("#!/bin/sh\necho called >> ${0%/*}/calls\n")
    install.chmod(0o755)
    return tmp_path


def test_environment_of_a_recipe(call, project):
    """path.sh by its link: PATH (once), the installer each time; environment.sh: one thread, a fixed locale."""
    show = 'echo "$MIMIDIAR_ROOT $OMP_NUM_THREADS $PYTHONHASHSEED $LC_ALL $cmd, $cuda_cmd"; echo "$PATH"'
    line = f"cd egs/mini/adapter; . ./path.sh; . ./path.sh; . ./cmd.sh; . environment.sh; {show}"
    shown, path = call("bash", "-euc", line, MIMIDIAR_CMD="queue.py --fast").stdout.splitlines()
    assert shown == f"{project} 1 0 C queue.py --fast, queue.py --fast --gpu 1"
    assert path.startswith(f"{project}/tools/venv/bin:{project}/utils:") and path.count(f"{project}/utils:") == 1
    assert (project / "tools/calls").read_text() == "called\n" * 2
    (project / "tools/install.sh").write_text("#!/bin/sh\nexit 1\n")
    assert call("bash", "-euc", line).returncode == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash"])
@pytest.mark.parametrize("place", [".", "egs/mini/adapter", "elsewhere"])
def test_path_changes_the_path_of_any_shell_and_nothing_else(call, project, tmp_path, shell, place):
    """A plain sh does not know which file it reads: there, the current folder has to be in the project."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}")
    folder = tmp_path / place if place != "elsewhere" else tmp_path.parent
    state = "{ export -p | grep -v PATH; set | sed 's/=.*//'; }"
    line = f"cd {folder}; true | true; {state} > $0.before; . {project}/utils/path.sh; echo $?; {state} > $0.after"
    line += "; echo $PATH"
    done = call(shell, "-c", line, str(project / "state"))
    code, path = done.stdout.splitlines()
    if (shell, place) == ("dash", "elsewhere"):
        assert code == "1" and "cd into the project first" in done.stderr and "utils:" in path
        return
    assert code == "0" and path.startswith(f"{project}/tools/venv/bin:{project}/utils:")
    before, after = (set((project / f"state.{when}").read_text().splitlines()) for when in ("before", "after"))
    assert before ^ after <= {"_"}


SYSTEMS = "defaults: {input: codec, options: []}\nsystems:\n  a: {}\n  b: {input: 'x y', options: [--set, k='v']}\n"


def test_systems_of_a_recipe_are_assignments_for_the_shell(call, tmp_path):
    (tmp_path / "systems.yaml").write_text(SYSTEMS)
    show = 'while read -r line; do eval "$line"; echo "$system,$input,${options[*]},${#options[@]}"; done'
    line = f'systems.py systems.yaml "$1" | {show}'
    assert call("bash", "-euc", line, "x", "b a").stdout == "b,x y,--set k='v',2\na,codec,,0\n"
    for names, message in (("a c", "no system 'c'; choose among a b"), ("", "no system is named; choose among a b")):
        done = call("systems.py", "systems.yaml", names)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"systems.py: error: {message}\n")
    (tmp_path / "systems.yaml").write_text(SYSTEMS.replace("input: 'x y'", "inputs: x"))
    assert "b: no setting 'inputs'; there are input options" in call("systems.py", "systems.yaml", "a").stderr
    assert "cannot be read as a file of systems" in call("systems.py", "none.yaml", "a").stderr


@pytest.mark.parametrize("how", ["one", "together"])
def test_a_recipe_that_is_ended_ends_its_stages(launch, tmp_path, how):
    """TERM to run.sh: it ends at once, and the job of its stage with it, also where several run side by side."""
    job = "stage.py --out out$1 -- bash -c 'echo $$ > pid'$1'; while :; do sleep 1; done'"
    if how == "one":
        script = f"set -- 1; {job}; echo went on"
    else:
        functions = (ROOT / "utils/recipe.sh").read_text()
        part = functions[functions.index("# each_system") : functions.index("# extract_features")]
        (tmp_path / "functions.sh").write_text(part)
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf/systems.yaml").write_text("defaults: {}\nsystems: {one: {}, two: {}}\n")
        script = (
            ". parallel.sh; . ./functions.sh; at_once=2 features=f weights=w config=c dir=d label=l; "
            "use_system() { :; }; "
            f"job() {{ set -- $system; {job}; }}; each_system 'one two' job; echo went on"
        )
    (tmp_path / "run.sh").write_text(script)
    process = launch("bash", "-eu", "run.sh")
    pids = [pid_in(tmp_path / f"pid{name}") for name in (["1"] if how == "one" else ["one", "two"])]
    process.terminate()
    assert process.wait(30) in (-15, 143)
    for pid in pids:
        wait_for(lambda pid=pid: not is_alive(pid))
    assert "went on" not in process.stdout.read()
