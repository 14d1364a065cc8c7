"""utils/parse_options.sh, stages.sh and path.sh: a recipe's options and stages, on made-up recipes."""

import pytest

from mimidiar.tests.utils.conftest import ROOT

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


def test_environment_of_a_recipe(call, tmp_path):
    """path.sh through its link: root, PATH (once), one thread, a fixed locale; the installer is called each time."""
    for name in ("tools/venv/bin", "utils", "egs/mini/adapter"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("path.sh", "cmd.sh"):
        (tmp_path / "utils" / name).write_text((ROOT / "utils" / name).read_text())
        (tmp_path / "egs/mini/adapter" / name).symlink_to(f"../../../utils/{name}")
    install = tmp_path / "tools/install.sh"
    install.write_text("#!/bin/sh\necho called >> ${0%/*}/calls\n")
    install.chmod(0o755)
    show = 'echo "$MIMIDIAR_ROOT $OMP_NUM_THREADS $PYTHONHASHSEED $LC_ALL $cmd, $cuda_cmd"; echo "$PATH"'
    line = f"cd egs/mini/adapter; . ./path.sh; . ./path.sh; . ./cmd.sh; {show}"
    shown, path = call("bash", "-euc", line, MIMIDIAR_CMD="queue.py --fast").stdout.splitlines()
    assert shown == f"{tmp_path} 1 0 C queue.py --fast, queue.py --fast --gpu 1"
    assert path.startswith(f"{tmp_path}/tools/venv/bin:{tmp_path}/utils:") and path.count(f"{tmp_path}/utils:") == 1
    assert (tmp_path / "tools/calls").read_text() == "called\n" * 2
    install.write_text("#!/bin/sh\nexit 1\n")
    assert call("bash", "-euc", line).returncode == 1
