#!/usr/bin/env bash
# Test everything: ruff, shellcheck, unit tests (import rules are among them), committed tables against their records, and the
# recipes in a smoke configuration.
#
#   tools/test.sh            what each change must pass, some minutes
#   tools/test.sh --full     with the long tests: checkpoints of full size, all recipes on small trees of their corpora, and
#                            jobs under Slurm where that is installed (Debian: slurm-wlm and munge)
#
# MIMIDIAR_MINI_CORPUS names the folder with real speech; without it, tests that need it are skipped, and the recipes fall
# back to synthetic voices. All parts run, whatever fails; the exit code is 0 only if all passed.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

marks="not long and not gpu" full=false
case "${1:-}" in
  "") ;;
  --full) marks="not gpu" full=true ;;
  *) echo "usage: tools/test.sh [--full]" >&2; exit 1 ;;
esac

work="$(mktemp -d)"
trap 'if [[ -n ${beside_pid:-} ]]; then kill -- -"$beside_pid" || true; fi; rm -rf "$work"' EXIT
failed=() passed=0

# part NAME COMMAND...: run, time and count it.
part() {
  local name="$1" started=$SECONDS verdict=passed
  shift
  echo "== $name =="
  "$@" || verdict=FAILED
  if [[ $verdict == passed ]]; then passed=$(( passed + 1 )); else failed+=("$name"); fi
  echo "-- $name: $verdict, $(( SECONDS - started )) s"
}

# beside COMMAND...: start it beside the next parts, in a process group of its own. `ended` waits for it, shows what it wrote, and has its exit code.
beside_pid=''
beside() {
  setsid "$@" > "$work/beside.log" 2>&1 &
  beside_pid=$!
}
ended() {
  local code=0
  wait "$beside_pid" || code=$?
  beside_pid=''
  cat "$work/beside.log"
  return "$code"
}

# Every shell script that is ours; the links in recipe folders lead to files that are checked once.
shell_files() {
  find . \( -path ./.git -o -path ./tools/venv -o -path './egs/*/data' -o -path './egs/*/exp' -o -path './egs/*/feats' \) \
    -prune -o -type f \( -name '*.sh' -o -path ./.ci/run \) -print
}

check_shell() {
  local files
  mapfile -t files < <(shell_files)
  shellcheck -x -P SCRIPTDIR -P utils "${files[@]}"
}

# under_slurm COMMAND...: with a Slurm that is started for it, or, where none is installed, on this machine.
under_slurm() {
  local cluster=(python3 -m mimidiar.tests.utils.slurm_cluster)
  if "${cluster[@]}"; then MIMIDIAR_CMD="slurm.py --partition short" "${cluster[@]}" "$@"; else "$@"; fi
}

started=$SECONDS
part install tools/install.sh
if [[ ${#failed[@]} -gt 0 ]]; then exit 1; fi
# shellcheck source=utils/path.sh
. utils/path.sh
# shellcheck source=utils/environment.sh
. utils/environment.sh

part ruff ruff check .
part shellcheck check_shell
part tables egs/paper/run.sh --check
part "unit tests" pytest -n 2 -m "$marks"
smoke=(egs/mini/run_all.sh --smoke true --seeds 1 --work "$work")
part "recipes, smoke" "${smoke[@]}"
if [[ $full == true ]]; then
  # Most of their stages use one core.
  beside tools/test_recipes.sh
  part "more recipes, smoke" "${smoke[@]}" --recipes "taps unfreeze" --encoders mimi-random
  part "fusion recipe under Slurm, smoke" under_slurm "${smoke[@]}" --recipes fusion
  part "linking recipe, smoke" "${smoke[@]}" --recipes linking
  part "diarizer recipe, smoke" "${smoke[@]}" --recipes diarizer
  part "branch recipe, smoke" "${smoke[@]}" --recipes branch
  part "peers recipe, without peers, smoke" "${smoke[@]}" --recipes peers
  part "codec recipe, smoke" "${smoke[@]}" --recipes codec
  part "recipes, full size, beside the last ones" ended
  if python3 -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    part "tests on a GPU" pytest -m gpu
  else
    echo "tests on a GPU: left out, as torch finds none"
  fi
fi

if [[ ${#failed[@]} -gt 0 ]]; then
  echo "tools/test.sh: FAILED after $(( SECONDS - started )) s: $(printf '%s; ' "${failed[@]}")$passed parts passed"
  exit 1
fi
echo "tools/test.sh: all $passed parts passed after $(( SECONDS - started )) s"
