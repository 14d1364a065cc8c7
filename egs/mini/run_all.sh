#!/usr/bin/env bash
# The mini recipes from speech to one table: baseline (Exp 1), probe (Exp 1.5) and adapter (Exp 2), and, when they are named,
# taps, fusion (Exp 3), unfreeze (Exp 2.5), linking (whole recordings), codec (trains a small Mimi: two hours), diarizer (the
# shipped ones), branch (who speaks in short windows) and peers (the diarizers of others, which are downloaded). By default on
# the untrained codec, the lower control, and on the log-mel spectrum, the control with speaker information.
#
# Needs no network, once installed, and no GPU. What is finished is not done again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../utils/path.sh
. environment.sh
. parallel.sh
# --- options ---
nj=2                                # parallel jobs, one thread each
recipes="baseline probe adapter"    # in this order: codec baseline probe adapter taps fusion unfreeze linking diarizer branch peers
encoders="mimi-random logmel"       # see `mimidiar feats extract --help`
seeds="1 2 3"                       # seeds of what is trained
corpus=${MIMIDIAR_MINI_CORPUS:-}    # folder with real speech, see egs/README.md; else synthetic voices
smoke=false                         # true: a smoke test with a few speakers and steps
work=                               # folder for data, feats and exp, instead of egs/mini
force=false                         # start stages again whose settings or inputs changed
record=false                        # also keep the records in results/, and write all tables, that of the README among them
# --- end of options ---
. parse_options.sh

if [[ $record == true && ( $smoke == true || -n $work || -z $corpus ) ]]; then
  echo "run_all.sh: error: --record is for real speech (--corpus), without --smoke and --work" >&2
  exit 1
fi
for recipe in $recipes; do
  if [[ ! -f $recipe/run.sh ]]; then echo "run_all.sh: error: there is no recipe '$recipe' in egs/mini" >&2; exit 1; fi
done
place=$(realpath -m "${work:-.}")
mkdir -p "$place"
read -r codec _ <<< "$encoders"   # what is fused and unfrozen
read -r first _ <<< "$seeds"
common=(--corpus "$corpus" --force "$force" --data "$place/data" --feats "$place/feats")
declare -A own=()
stage_jobs=$nj
codecs="conf/train.yaml conf/distil.yaml"
if [[ $smoke == true ]]; then
  common+=(--limit-speakers 4 --sim-config ../conf/simulate_smoke.yaml)
  codecs="conf/smoke.yaml conf/smoke_distil.yaml"
  # A job takes longer to start than all that a stage has to do. On a cluster, its arrays of jobs are part of the test.
  if [[ -z ${MIMIDIAR_CMD:-} ]]; then stage_jobs=1; fi
  own=(
    [adapter]="--train-config conf/smoke.yaml"
    [taps]="--train-config conf/smoke.yaml"
    [fusion]="--train-config conf/smoke.yaml --systems mimi+likeness"
    [unfreeze]="--train-config conf/smoke.yaml --scratch-config conf/smoke.yaml --adapter-config ../adapter/conf/smoke.yaml
      --systems warm+scratch"
    [linking]="--train-config ../fusion/conf/smoke.yaml --long-config ../conf/simulate_long_smoke.yaml"
    [diarizer]="--train-config conf/smoke.yaml --talk-config conf/talks_smoke.yaml --systems fusion+distil
      --allow-worse true"
    [branch]="--talk-config ../diarizer/conf/talks_smoke.yaml --twin-config conf/talks_smoke.yaml --windows 0.5+1 --pairs 2
      --train-config conf/smoke.yaml --systems branch+mini+campplus"
    [peers]="--peers= --chain-config ../conf/chain_smoke.yaml --rounds 1 --sets ami_excerpts+chain_test"
  )
fi

# start RECIPE OPTION...: as soon as fewer than `at_once` run.
start() {
  local options
  read -ra options -d '' <<< "${own[$1]:-}" || true
  spawn "$1/run.sh" "${common[@]}" --exp "$place/$1/exp" "${options[@]//+/ }" "${@:2}"
}

# step CORE_MINUTES RECIPE TITLE: the heading of a step, and its estimated share of the whole. True where it is to
# be done: a first pass over all steps only counts them.
counting=true steps=0 minutes=0 step=0 passed=0
step() {
  local share=$1 spent=$(( SECONDS / 60 )) left
  if [[ $smoke == true ]]; then share=$(( (share + 9) / 10 )); fi
  if [[ $counting == true ]]; then steps=$(( steps + 1 )) minutes=$(( minutes + share )); return 1; fi
  left=$(( (minutes - passed) / nj ))
  # The pace of this machine, once it has shown one.
  if (( passed > 0 && spent > 1 && spent * nj > passed )); then left=$(( (minutes - passed) * spent / passed )); fi
  step=$(( step + 1 )) passed=$(( passed + share ))
  echo "==== step $step of $steps: $2, $3; $spent min so far, about $(( left + 1 )) min to go ===="
}

# one_by_one OPTION...: a recipe with that many jobs; with_each "ENCODER..." "SEED..." OPTION...: as many recipes at once.
one_by_one() { at_once=1 start "$recipe" --nj "$stage_jobs" "$@"; all_ended; }
with_each() {
  local encoder seed at_once=$nj
  for encoder in $1; do
    for seed in $2; do start "$recipe" --nj 1 --encoder "$encoder" --seed "$seed" "${@:3}"; done
  done
  all_ended
}

# Stages 1 to 3 for each encoder; without jobs in a stage, the features of all encoders at once.
prepare() {
  local encoder
  if (( stage_jobs < nj )); then
    one_by_one --encoder "${1%% *}" --stop-stage 2
    with_each "$1" "$first" --stage 3 --stop-stage 3
    return
  fi
  for encoder in $1; do one_by_one --encoder "$encoder" --stop-stage 3; done
}

# train_and_score "ENCODER..." CORE_MINUTES: training takes so long for each encoder and seed.
train_and_score() {
  local runs=$(( $(wc -w <<< "$1") * $(wc -w <<< "$seeds") )) nj=$nj
  if step $(( $2 * runs )) "$recipe" "training"; then with_each "$1" "$seeds" --stage 4 --stop-stage 4; fi
  if step "$runs" "$recipe" "scores"; then
    # The first one alone, as it makes the baselines that all share; where they are forced to be made again, all of them.
    one_by_one --encoder "${1%% *}" --seed "$first" --stage 5 --stop-stage 5
    if [[ $force == true ]]; then nj=1; fi
    with_each "$1" "$seeds" --stage 5 --stop-stage 5
  fi
}

number=$(wc -w <<< "$encoders")
run_baseline() {
  if step $(( 3 * number )) baseline "features of $encoders"; then prepare "$encoders"; fi
  if step "$number" baseline "scores"; then with_each "$encoders" "$first" --stage 5 --stop-stage 5; fi
}
run_probe() {
  if step "$number" probe "features of $encoders"; then prepare "$encoders"; fi
  if step $(( number * 2 )) probe "training and scores"; then with_each "$encoders" "$seeds" --stage 4 --stop-stage 5; fi
}
run_adapter() {
  if step $(( 6 * number )) adapter "conversations, features of $encoders"; then prepare "$encoders"; fi
  train_and_score "$encoders" 2
}
run_fusion() {
  if step 15 fusion "features of $codec and CAM++"; then prepare "$codec"; fi
  train_and_score "$codec" 4
}
run_taps() { each_once 10 "$encoders"; }
run_unfreeze() { each_once 15 "$codec"; }
run_linking() { each_once 10 "$codec"; }
# each_once CORE_MINUTES "ENCODER..."
each_once() {
  local seed encoder
  for seed in $seeds; do
    for encoder in $2; do
      if step "$1" "$recipe" "$encoder, seed $seed"; then one_by_one --encoder "$encoder" --seed "$seed" --stop-stage 5; fi
    done
  done
}
# Once, whatever the seeds and encoders.
run_codec() {
  local config
  for config in $codecs; do
    if step 120 codec "$config"; then one_by_one --train-config "$config" --stop-stage 5; fi
  done
}
run_diarizer() { if step 330 diarizer "its systems, by the first seed"; then one_by_one --seed "$first" --stop-stage 5; fi; }
run_branch() { if step 25 branch "its systems, by the first seed"; then one_by_one --seed "$first" --stop-stage 5; fi; }
run_peers() { if step 30 peers "all systems in turn"; then one_by_one --stop-stage 5; fi; }

run_recipes() { for recipe in $recipes; do "run_$recipe"; done; }
run_recipes || true
echo "==== egs/mini: $recipes; seeds $seeds: $steps steps, about $(( minutes / nj + 1 )) minutes with --nj $nj" \
  "($minutes minutes of one core), less for what is finished ===="
counting=false
run_recipes

results=() only=()
for recipe in $recipes; do results+=("--results=$place/$recipe/exp") only+=(--only "$recipe"); done
if [[ -d $place/floors/exp ]]; then results+=("--results=$place/floors/exp"); fi
text=$(mimidiar report conf/summary.yaml "${only[@]}" "${results[@]}" --allow-dirty)
mapfile -t lines <<< "$text"
printf '%s\n' "${lines[@]:0:38}"
more=$(( ${#lines[@]} - 38 ))
if (( more > 0 )); then echo "... and $more lines more: egs/mini/<recipe>/run.sh --stage 6 prints the table of a recipe"; fi
if [[ $record != true ]]; then exit; fi
for recipe in $recipes; do
  case $recipe in
    codec | branch) folders=("$recipe"/exp/*) ;;
    peers) folders=(peers/exp/side-by-side) ;;
    fusion | unfreeze | linking) folders=("$recipe/exp/$codec") ;;
    *) read -ra folders <<< "$encoders"; folders=("${folders[@]/#/$recipe/exp/}") ;;
  esac
  mimidiar table publish "${folders[@]}" -o "$recipe/results"
done
if [[ -d floors/exp ]]; then mimidiar table publish floors/exp -o floors/results; fi
../paper/run.sh
