#!/usr/bin/env bash
# Run stages 1 to 6 of every recipe with a small tree of its corpora (mimidiar/tests/full_size), in minutes. The trees have the
# published layouts and real speech; Mimi and TitaNet are untrained, in full size, and read by the loaders of the real ones.
#
#   tools/test_recipes.sh [DATASET/RECIPE...]     all, or those that are named
#
# The recipes of a dataset run one after the other, the datasets beside each other. MIMIDIAR_MINI_CORPUS names the folder with
# real speech; without it nothing is done. MIMIDIAR_KEEP names a folder in which everything is kept.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=utils/path.sh
. utils/path.sh
# shellcheck source=utils/environment.sh
. utils/environment.sh

for recipe in "$@"; do
  if [[ ! -f egs/$recipe/run.sh ]]; then
    echo "tools/test_recipes.sh: there is no recipe '$recipe'; name DATASET/RECIPE, as they lie in egs" >&2
    exit 1
  fi
done
if [[ -z ${MIMIDIAR_MINI_CORPUS:-} ]]; then
  echo "skipped: MIMIDIAR_MINI_CORPUS names no folder with real speech"
  exit 0
fi
if [[ -n ${MIMIDIAR_KEEP:-} ]]; then work=$(realpath -m "$MIMIDIAR_KEEP"); mkdir -p "$work"
else work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; fi
python3 -m mimidiar.tests.full_size "$work" > "$work/exports"
# shellcheck source=/dev/null
. "$work/exports"

# What makes a recipe small. Of these options each recipe gets those that it has, and smoke.yaml for training where there is one.
small=(nj=1 skip-missing=true "settings=any_trials=true vad=true" sim-config=../conf/simulate_smoke.yaml
  mix-config=../conf/mixtures_smoke.yaml window-sec=15 scratch-config=conf/smoke.yaml adapter-config=../adapter/conf/smoke.yaml)
declare -A own=([ami/fusion]="--systems=mimi concat" [ami/unfreeze]="--systems=warm" [voxconverse/diarize]="--models=mini")

# run RECIPE: all its stages; its last lines where it fails. Features and data are shared by the recipes of a dataset.
run() {
  local recipe=$1 dataset=${1%/*} option options=() log="$work/${1//\//-}.log" help smoke started=$SECONDS
  help=$("egs/$recipe/run.sh" --help)
  for option in "${small[@]}"; do
    if [[ $help == *" --${option%%=*} "* ]]; then options+=("--$option"); fi
  done
  if [[ -n ${own[$recipe]:-} ]]; then options+=("${own[$recipe]}"); fi
  smoke=$(sed -n 's|^ *--train-config \([^ ]*/\).*|\1smoke.yaml|p' <<< "$help")
  if [[ -n $smoke && -f egs/$recipe/$smoke ]]; then options+=("--train-config=$smoke"); fi
  options+=(--data "$work/work/$dataset/data" --feats "$work/work/$dataset/feats" --exp "$work/work/$recipe/exp")
  if ! "egs/$recipe/run.sh" "${options[@]}" > "$log" 2>&1; then
    tail -n 30 "$log"
    echo "$recipe: FAILED after $(( SECONDS - started )) s"
    return 1
  fi
  if [[ -z $(find "$work/work/$recipe/exp" -name '*.seed*.json' -print -quit) ]]; then
    echo "$recipe: FAILED, ran through without a record of a score"
    return 1
  fi
  echo "$recipe: passed, $(( SECONDS - started )) s"
}

# run_all RECIPE...: one after the other, whatever fails.
run_all() {
  local recipe failed=0
  for recipe in "$@"; do run "$recipe" || failed=1; done
  return "$failed"
}

lanes=()
for folder in egs/*/; do
  dataset=$(basename "$folder") recipes=()
  # A small tree is called after the dataset (voxceleb1, of egs/voxceleb); egs/mini needs none, and runs in its run_all.sh.
  if ! compgen -G "$work/$dataset*" > /dev/null; then continue; fi
  for script in "$folder"*/run.sh; do
    recipe=$dataset/$(basename "$(dirname "$script")")
    if (( $# == 0 )) || [[ " $* " == *" $recipe "* ]]; then recipes+=("$recipe"); fi
  done
  run_all "${recipes[@]}" &
  lanes+=($!)
done
failed=0
for lane in "${lanes[@]}"; do wait "$lane" || failed=1; done
exit "$failed"
