# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the recipes of egs/mini after their options: the stages that they share, on the data that they share.

downloads=../downloads
feats=$feats/$encoder${tap:+.$tap} tag=${tag:-$encoder${tap:+.$tap}}
dir=$exp/$tag/seed$seed
# The weights are an input of the features; a variable that only the encoder read would not be in their key.
if [[ $encoder == mimi ]]; then checkpoint=${checkpoint:-${MIMI_CHECKPOINT:-}}; fi
# A GPU's results differ from a CPU's in the last digits; which one it was is in the logs.
device=cpu
if (( ngpu > 0 )); then device=cuda; fi

# downloaded: stage 0 has brought mini LibriSpeech, whole.
downloaded() { grep -qs '"status": "done"' "$downloads/mini_librispeech/.stage.json"; }

# Fewer conversations of synthetic voices do, whose figures stand for nothing.
short=
if [[ -z $corpus ]] && ! downloaded; then short=_short; fi
sim_config=${sim_config:-../conf/simulate$short.yaml}

download_corpus() {
  stage.py --out "$downloads/mini_librispeech" --force "$force" -- mimidiar download mini_librispeech "$downloads"
}

prepare_corpus() {
  local options=(--downloads "$downloads") inputs=()
  if [[ -n $corpus ]]; then options+=(--corpus "$corpus") inputs=(--input "$corpus")
  elif downloaded; then inputs=(--input "$downloads/mini_librispeech"); fi
  if (( limit_speakers > 0 )); then options+=(--limit-speakers "$limit_speakers"); fi
  stage.py --out "$data" --force "$force" "${inputs[@]}" -- mimidiar prepare mini "$data" "${options[@]}"
}

simulate_conversations() {
  stage.py --out "$data/sim_train" --also "$data/sim_dev" --also "$data/sim_test" --nj "$nj" \
    --force "$force" --input "$data" --input "$sim_config" -- mimidiar simulate --config "$sim_config" "$data" "$data"
}

# extract_features SET...
extract_features() {
  local set
  for set in "$@"; do
    stage.py --out "$feats/$set" --force "$force" --input "$data/$set" ${checkpoint:+--input "$checkpoint"} --nj "$nj" -- \
      mimidiar extract "$data/$set" "$feats/$set" --encoder "$encoder" ${tap:+--tap "$tap"} \
      ${checkpoint:+--checkpoint "$checkpoint"} --device "$device"
  done
}

# trial_sets: puts the names of the trial sets that the corpus brought into `sets`.
trial_sets() {
  local folder
  sets=()
  for folder in "$data"/trials_*; do if [[ -d $folder ]]; then sets+=("${folder##*/}"); fi; done
  if (( ${#sets[@]} == 0 && stage > 1 )); then
    echo "run.sh: error: no trials in $data; run stage 1 first (--stage 1): it comes before stage $stage" >&2
    exit 1
  fi
}

# The sets of conversations to score: simulated ones, and real ones where the corpus brought them.
test_sets() { echo sim_test; if [[ -d $data/ami_excerpts ]]; then echo ami_excerpts; fi; }

# The tag in names of systems, which have no dots.
name=${tag//./-}

# score_trials SET OUT SEED INPUT... -- OPTION...: scores of SET's trials by `mimidiar embed` with these options, their EER,
# and its record: the system is called after the recipe, the last part of OUT, and the tag.
score_trials() {
  local set=$1 out=$2 seed=$3 inputs=(--input "$data/$1" --input "$feats/$1")
  shift 3
  while [[ $1 != -- ]]; do inputs+=(--input "$1"); shift; done
  stage.py --out "$out" --force "$force" "${inputs[@]}" -- \
    mimidiar embed "$data/$set" "$feats/$set" "$out" "${@:2}" ::: \
    mimidiar verify "$out/scores" "$data/$set/trials" -o "$out" ::: \
    mimidiar record "$out" --system "${PWD##*/}-${out##*/}-$name" --set "$set" --protocol trials --seed "$seed"
}

# scoring SET OUT: adds to `commands` the scoring of OUT/hyp.rttm, without and with a collar.
scoring() {
  local collar
  for collar in 0 0.25; do
    commands+=(::: mimidiar score "$data/$1/ref.rttm" "$2/hyp.rttm" --uem "$data/$1/all.uem" --collar "$collar" \
      -o "$2/collar$collar")
  done
}

# score_posteriors SET: decided with what was tuned, and scored; beside it, by the ancestor's metric.
score_posteriors() {
  local out=$dir/$1/scores
  local commands=(mimidiar decide "$dir/$1/posteriors" "$out" --tuned "$dir/tuned/tuned.yaml")
  scoring "$1" "$out"
  stage.py --out "$out" --force "$force" --input "$data/$1" --input "$dir/tuned" --input "$dir/$1/posteriors" -- \
    "${commands[@]}" ::: mimidiar ancestor-metric "$dir/$1/posteriors" "$data/$1" "$out/ancestor" ::: \
    mimidiar record "$out"/{collar0,collar0.25,ancestor} --system "adapter-$name" --set "$1" --seed "$seed"
}

# score_floors SET: what systems score that know nothing of voices.
score_floors() {
  local out=$exp/floors/$1 kind commands=()
  for kind in always-one oracle-vad-one random-order; do
    commands+=(${commands:+:::} mimidiar floor "$kind" "$data/$1/ref.rttm" --uem "$data/$1/all.uem" -o "$out/$kind/hyp.rttm")
    scoring "$1" "$out/$kind"
    commands+=(::: mimidiar record "$out/$kind"/{collar0,collar0.25} --system "floor-$kind" --set "$1")
  done
  stage.py --out "$out" --force "$force" --input "$data/$1" -- "${commands[@]}"
}

# report: this recipe's table of this experiment and the floors; with --record their records are kept in results/, and all
# tables made again.
report() {
  local folders=("$exp/$tag")
  if [[ -d $exp/floors ]]; then folders+=("$exp/floors"); fi
  mimidiar report ../conf/table.yaml --only "${PWD##*/}" "${folders[@]/#/--results=}" --allow-dirty
  if [[ $record == true ]]; then
    mimidiar publish "${folders[@]}" -o results
    "$MIMIDIAR_ROOT/egs/paper/run.sh"
  fi
}
