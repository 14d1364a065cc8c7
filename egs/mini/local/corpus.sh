# shellcheck shell=bash disable=SC2154
# Sourced by the recipes of egs/mini after their options: the stages that they share, on the data that they share.

downloads=../downloads

download_corpus() {
  stage.py --out "$downloads/mini_librispeech" --force "$force" -- mimidiar download mini_librispeech "$downloads"
}

prepare_corpus() {
  local corpus_options=(--downloads "$downloads") origin="$downloads/mini_librispeech"
  if [[ -n $corpus ]]; then corpus_options+=(--corpus "$corpus") origin=$corpus; fi
  if (( limit_speakers > 0 )); then corpus_options+=(--limit-speakers "$limit_speakers"); fi
  local inputs=()
  if [[ -d $origin ]]; then inputs=(--input "$origin"); fi
  stage.py --out "$data" --force "$force" "${inputs[@]}" -- \
    mimidiar prepare mini "$data" "${corpus_options[@]}"
}

simulate_conversations() {
  stage.py --out "$data/sim_train" --also "$data/sim_dev" --also "$data/sim_test" --force "$force" \
    --input "$data" --input "$sim_config" -- mimidiar simulate --config "$sim_config" "$data" "$data"
}

# extract_features SET...
extract_features() {
  local set
  for set in "$@"; do
    stage.py --out "$feats/$set" --input "$data/$set" --nj "$nj" --force "$force" -- \
      mimidiar extract "$data/$set" "$feats/$set" --encoder "$encoder" ${tap:+--tap "$tap"} \
      ${checkpoint:+--checkpoint "$checkpoint"} --device "$(device)"
  done
}

# The trial sets that the corpus brought, by name.
trial_sets() { find "$data" -maxdepth 1 -name 'trials_*' -type d -printf '%f\n' | sort; }

# The sets of conversations to score: simulated ones, and real ones where the corpus brought them.
test_sets() { echo sim_test; if [[ -d $data/ami_excerpts ]]; then echo ami_excerpts; fi; }

device() { if (( ngpu > 0 )); then echo cuda; else echo cpu; fi; }

# score_rttm SET OUT [INPUT...] -- COMMAND...: the command writes OUT/hyp.rttm, which is scored without and with a collar.
score_rttm() {
  local set=$1 out=$2 inputs=(--input "$data/$1") scoring=() collar
  shift 2
  while [[ $1 != -- ]]; do inputs+=(--input "$1"); shift; done
  for collar in 0 0.25; do
    scoring+=(::: mimidiar score "$data/$set/ref.rttm" "$out/hyp.rttm" --uem "$data/$set/all.uem" --collar "$collar" \
      -o "$out/collar_$collar")
  done
  stage.py --out "$out" --force "$force" "${inputs[@]}" "$@" "${scoring[@]}"
}

# report NAME: the table of egs/mini of that name; with --record also this recipe's RESULTS.md.
report() {
  # Rows are named <recipe>/exp/...: the folder above this recipe's, wherever --exp put it.
  local options=(--root "$(realpath -m "$exp/../..")" --only "$1")
  if [[ $record == true ]]; then options+=(-o RESULTS.md); fi
  mimidiar report ../conf/table.yaml "${options[@]}"
}
