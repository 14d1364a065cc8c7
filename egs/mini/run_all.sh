#!/usr/bin/env bash
# The mini recipes from speech to one table: baseline (Exp 1), probe (Exp 1.5), adapter (Exp 2), three seeds each.
#
# Needs no network, once installed, and no GPU. What is finished is not done again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../utils/path.sh
# --- options ---
nj=2                               # parallel jobs, one thread each
seeds="1 2 3"                      # seeds of the probe and the adapter
encoder=mimi-random                # see `mimidiar extract --help`
tag=default                        # name of the experiment
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
smoke=false                        # a few speakers and steps: does everything run?
work=                              # folder for data, feats and exp instead of those in egs/mini
force=false                        # do stages again whose settings or inputs changed
record=false                       # also write RESULTS.md and the table in the README
# --- end of options ---
. parse_options.sh

root=${work:-$PWD}
mkdir -p "$root"
common=(--nj "$nj" --encoder "$encoder" --tag "$tag" --corpus "$corpus" --force "$force")
common+=(--data "$(realpath "$root")/data" --feats "$(realpath "$root")/feats")
adapter=()
if [[ $smoke == true ]]; then
  common+=(--limit-speakers 8)
  adapter+=(--sim-config ../conf/simulate_smoke.yaml --train-config conf/train_smoke.yaml)
fi

# run RECIPE OPTION...
run() { "$1/run.sh" "${common[@]}" --exp "$(realpath "$root")/$1/exp" "${@:2}"; }

run baseline --stop-stage 5
for seed in $seeds; do run probe --seed "$seed" --stop-stage 5; done
run adapter "${adapter[@]}" --stop-stage 3
# One training is one thread: as many seeds at once as there are jobs.
export -f run
printf '%s\n' $seeds | xargs -P "$nj" -I '{}' adapter/run.sh "${common[@]}" "${adapter[@]}" \
  --exp "$(realpath "$root")/adapter/exp" --seed '{}' --stage 4 --stop-stage 4
for seed in $seeds; do run adapter "${adapter[@]}" --seed "$seed" --stage 5 --stop-stage 5; done

report=(mimidiar report conf/table.yaml --root "$root" --set "tag=$tag" --set "encoder=$encoder")
if [[ $record == true ]]; then report+=(-o RESULTS.md --into ../../README.md); fi
"${report[@]}"
