#!/usr/bin/env bash
# The mini recipes from speech to one table: baseline (Exp 1), probe (Exp 1.5) and adapter (Exp 2), and, when they are named,
# taps, fusion (Exp 3), unfreeze (Exp 2.5), linking (whole recordings), codec (a small Mimi is trained: two hours), diarizer
# (those that are shipped) and peers (what others offer, which is fetched).
# On the untrained codec, which is the floor of every probing study, and on the log-mel spectrum, which shows what the same
# models learn when the features know the speaker.
#
# Needs no network, once installed, and no GPU. What is finished is not done again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../utils/path.sh
# --- options ---
nj=2                                # parallel jobs, one thread each
recipes="baseline probe adapter"    # in this order: codec baseline probe adapter taps fusion unfreeze linking diarizer peers
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
read -ra recipes <<< "$recipes"
read -ra encoders <<< "$encoders"
read -ra seeds <<< "$seeds"
for recipe in "${recipes[@]}"; do
  if [[ ! -f $recipe/run.sh ]]; then echo "run_all.sh: error: there is no recipe '$recipe' in egs/mini" >&2; exit 1; fi
done
common=(--nj "$nj" --corpus "$corpus" --force "$force" --data "$work/data" --feats "$work/feats")
small=() codecs=(conf/train.yaml conf/distil.yaml) fusion=() unfreeze=() linking=() diarizer=() peers=()
if [[ $smoke == true ]]; then
  common+=(--limit-speakers 8)
  small=(--sim-config ../conf/simulate_smoke.yaml --train-config conf/smoke.yaml)
  codecs=(conf/smoke.yaml conf/smoke_distil.yaml)
  fusion=(--systems "mimi likeness")
  linking=(--long-config ../conf/simulate_long_smoke.yaml --train-config ../fusion/conf/smoke.yaml)
  diarizer=(--systems "fusion distil" --talk-config conf/talks_smoke.yaml)
  peers=(--peers "" --sim-config ../conf/simulate_smoke.yaml --chain-config ../conf/chain_smoke.yaml --rounds 1)
  unfreeze=(--scratch-config conf/smoke.yaml --adapter-config conf/smoke.yaml --variants "warm scratch")
fi
# run RECIPE OPTION...
run() { "$1/run.sh" "${common[@]}" --exp "$work/$1/exp" "${@:2}"; }

# each RECIPE OPTION...: once for each line of options on stdin, as many at once as there are jobs.
each() { xargs -P "$nj" -L 1 "$1/run.sh" "${common[@]}" --exp "$work/$1/exp" "${@:2}" --nj 1; }

# line WORD...: one for xargs, which takes a line that ends in a blank for one with the next.
line() { local words; printf -v words '"%s" ' "$@"; echo "${words% }"; }
every_encoder() { for encoder in "${encoders[@]}"; do line --encoder "$encoder"; done; }
# every_seed ENCODER...: with each of the seeds.
every_seed() {
  local encoder seed
  for encoder in "$@"; do
    for seed in "${seeds[@]}"; do line --encoder "$encoder" --seed "$seed"; done
  done
}

# train_and_score RECIPE ENCODER... -- OPTION...: stages 4 and 5 for every seed.
train_and_score() {
  local recipe=$1 encoders=()
  while shift; [[ $1 != -- ]]; do encoders+=("$1"); done
  every_seed "${encoders[@]}" | each "$recipe" "${@:2}" --stage 4 --stop-stage 4
  # The first one alone, as it makes the floors that all share; and when they are forced to be made again, one by one.
  run "$recipe" "${@:2}" --encoder "${encoders[0]}" --seed "${seeds[0]}" --stage 5 --stop-stage 5
  local nj=$nj
  if [[ $force == true ]]; then nj=1; fi
  every_seed "${encoders[@]}" | each "$recipe" "${@:2}" --stage 5 --stop-stage 5
}

run_baseline() {
  for encoder in "${encoders[@]}"; do run baseline --encoder "$encoder" --stop-stage 3; done
  every_encoder | each baseline --stage 5 --stop-stage 5
}
run_probe() {
  for encoder in "${encoders[@]}"; do run probe --encoder "$encoder" --stop-stage 3; done
  every_seed "${encoders[@]}" | each probe --stage 4 --stop-stage 5
}
run_adapter() {
  for encoder in "${encoders[@]}"; do run adapter "${small[@]}" --encoder "$encoder" --stop-stage 3; done
  train_and_score adapter "${encoders[@]}" -- "${small[@]}"
}
# Once, whatever the seeds and encoders.
run_codec() { local config; for config in "${codecs[@]}"; do run codec --train-config "$config" --stop-stage 5; done; }
run_taps() {
  for encoder in "${encoders[@]}"; do run taps "${small[@]}" --encoder "$encoder" --stop-stage 3; done
  for seed in "${seeds[@]}"; do
    for encoder in "${encoders[@]}"; do
      run taps "${small[@]}" --encoder "$encoder" --seed "$seed" --stage 4 --stop-stage 5
    done
  done
}
# What is fused and unfrozen is the codec.
run_fusion() {
  run fusion "${small[@]}" --encoder "${encoders[0]}" --stop-stage 3
  train_and_score fusion "${encoders[0]}" -- "${small[@]}" "${fusion[@]}"
}
run_unfreeze() {
  for seed in "${seeds[@]}"; do
    run unfreeze "${small[@]}" "${unfreeze[@]}" --encoder "${encoders[0]}" --seed "$seed" --stop-stage 5
  done
}
run_linking() {
  for seed in "${seeds[@]}"; do
    run linking "${small[@]}" "${linking[@]}" --encoder "${encoders[0]}" --seed "$seed" --stop-stage 5
  done
}
# Once, by the first seed: six systems are trained for some hours.
run_diarizer() {
  run diarizer "${small[@]}" "${diarizer[@]}" --seed "${seeds[0]}" --stop-stage 5
}
# Once as well: nothing is trained.
run_peers() { run peers "${peers[@]}" --stop-stage 5; }

for recipe in "${recipes[@]}"; do "run_$recipe"; done
results=("${recipes[@]/#/--results=$work/}")
results=("${results[@]/%//exp}")
if [[ -d $work/floors/exp ]]; then results+=("--results=$work/floors/exp"); fi
mimidiar report conf/table.yaml "${results[@]}" --allow-dirty
if [[ " ${recipes[*]} " == *" peers "* ]]; then mimidiar report peers/conf/table.yaml "${results[@]}" --allow-dirty; fi
if [[ $record == true ]]; then
  for recipe in "${recipes[@]}"; do
    folders=("${encoders[@]/#/$recipe/exp/}")
    if [[ $recipe == codec ]]; then folders=(codec/exp/*); fi
    if [[ $recipe == peers ]]; then folders=(peers/exp/side-by-side); fi
    if [[ $recipe =~ ^(fusion|unfreeze|linking)$ ]]; then folders=("${folders[0]}"); fi
    mimidiar publish "${folders[@]}" -o "$recipe/results"
  done
  if [[ -d floors/exp ]]; then mimidiar publish floors/exp -o floors/results; fi
  ../paper/run.sh
fi
