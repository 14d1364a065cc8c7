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
record=false                        # also write RESULTS.md and the table in the README
# --- end of options ---
. parse_options.sh

work=$(realpath -m "${work:-.}")
mkdir -p "$work"
read -ra encoders <<< "$encoders"
read -ra seeds <<< "$seeds"
common=(--nj "$nj" --corpus "$corpus" --force "$force" --data "$work/data" --feats "$work/feats")
adapter=()
# Synthetic voices show that the chain works, and a short chain shows it as well.
if [[ -z $corpus && ! -d downloads/mini_librispeech ]]; then adapter=(--sim-config ../conf/simulate_short.yaml --train-config conf/short.yaml); fi
if [[ $smoke == true ]]; then
  common+=(--limit-speakers 8)
  adapter=(--sim-config ../conf/simulate_smoke.yaml --train-config conf/smoke.yaml)
fi

# run RECIPE OPTION...
run() { "$1/run.sh" "${common[@]}" --exp "$work/$1/exp" "${@:2}"; }

for encoder in "${encoders[@]}"; do
  run baseline --encoder "$encoder" --stop-stage 5
  for seed in "${seeds[@]}"; do run probe --encoder "$encoder" --seed "$seed" --stop-stage 5; done
  run adapter --encoder "$encoder" "${adapter[@]}" --stop-stage 3
done
# A training is one thread: as many at once as there are jobs.
for encoder in "${encoders[@]}"; do printf "$encoder %s\n" "${seeds[@]}"; done | xargs -P "$nj" -L 1 bash -c \
  'exec adapter/run.sh "${@:1:$#-2}" --encoder "${@: -2:1}" --seed "${@: -1}"' - "${common[@]}" "${adapter[@]}" \
  --exp "$work/adapter/exp" --stage 4 --stop-stage 4
for encoder in "${encoders[@]}"; do
  for seed in "${seeds[@]}"; do run adapter --encoder "$encoder" "${adapter[@]}" --seed "$seed" --stage 5 --stop-stage 5; done
done

report=(mimidiar report conf/table.yaml --root "$work")
if [[ $record == true ]]; then report+=(-o RESULTS.md --into ../../README.md); fi
"${report[@]}"
