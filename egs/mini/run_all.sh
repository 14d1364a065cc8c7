#!/usr/bin/env bash
# The mini recipes from speech to one table: baseline (Exp 1), probe (Exp 1.5), adapter (Exp 2), on the untrained codec, which
# is the floor of every probing study, and on the log-mel spectrum, which shows what the same adapter learns when the features
# know the speaker.
#
# Needs no network, once installed, and no GPU. What is finished is not done again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../utils/path.sh
# --- options ---
nj=2                                # parallel jobs, one thread each
encoders="mimi-random logmel"       # see `mimidiar extract --help`
seeds="1 2 3"                       # seeds of the probe and the adapter
corpus=${MIMIDIAR_MINI_CORPUS:-}    # folder with real speech, see egs/README.md; else synthetic voices
smoke=false                         # a few speakers and steps: does everything run?
work=                               # folder for data, feats and exp, instead of egs/mini
force=false                         # do stages again whose settings or inputs changed
record=false                        # also keep the records in results/, and write all tables, that of the README among them
# --- end of options ---
. parse_options.sh

if [[ $record == true && ( $smoke == true || -n $work || -z $corpus ) ]]; then
  echo "run_all.sh: error: --record is for real speech (--corpus), without --smoke and --work" >&2
  exit 1
fi

work=$(realpath -m "${work:-.}")
mkdir -p "$work"
read -ra encoders <<< "$encoders"
read -ra seeds <<< "$seeds"
common=(--nj "$nj" --corpus "$corpus" --force "$force" --data "$work/data" --feats "$work/feats")
adapter=()
if [[ $smoke == true ]]; then
  common+=(--limit-speakers 8)
  adapter=(--sim-config ../conf/simulate_smoke.yaml --train-config conf/smoke.yaml)
fi
# run RECIPE OPTION...
run() { "$1/run.sh" "${common[@]}" --exp "$work/$1/exp" "${@:2}"; }

# each RECIPE OPTION...: once for each line of options on stdin, as many at once as there are jobs.
each() { xargs -P "$nj" -L 1 "$1/run.sh" "${common[@]}" --exp "$work/$1/exp" "${@:2}" --nj 1; }

every_encoder() { printf -- '--encoder=%s\n' "${encoders[@]}"; }
every_seed() { for encoder in "${encoders[@]}"; do printf -- "--encoder=$encoder --seed=%s\n" "${seeds[@]}"; done; }

for encoder in "${encoders[@]}"; do
  run baseline --encoder "$encoder" --stop-stage 3
  run adapter --encoder "$encoder" "${adapter[@]}" --stage 2 --stop-stage 3
done
every_encoder | each baseline --stage 5 --stop-stage 5
every_seed | each probe --stage 4 --stop-stage 5
every_seed | each adapter "${adapter[@]}" --stage 4 --stop-stage 4
# The first one alone, as it makes the floors that all share; and when they are forced to be made again, one by one.
run adapter --encoder "${encoders[0]}" --seed "${seeds[0]}" --stage 5 --stop-stage 5
if [[ $force == true ]]; then nj=1; fi
every_seed | each adapter --stage 5 --stop-stage 5

recipes=(baseline probe adapter) results=()
for recipe in "${recipes[@]}"; do results+=(--results "$work/$recipe/exp"); done
mimidiar report conf/table.yaml "${results[@]}" --allow-dirty
if [[ $record == true ]]; then
  for recipe in "${recipes[@]}"; do
    folders=("${encoders[@]/#/$recipe/exp/}")
    if [[ -d $recipe/exp/floors ]]; then folders+=("$recipe/exp/floors"); fi
    mimidiar publish "${folders[@]}" -o "$recipe/results"
  done
  ../paper/run.sh
fi
