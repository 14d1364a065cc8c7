# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by recipe.sh in egs/mini: the speech, and the conversations made of it.

downloads=../downloads

# downloaded: stage 0 has brought mini LibriSpeech, whole.
downloaded() { grep -qs '"status": "done"' "$downloads/mini_librispeech/.stage.json"; }

# Fewer conversations for synthetic voices, since their results are a smoke test only.
short=
if [[ -z $corpus ]] && ! downloaded; then short=_short; fi
simulation=${sim_config:-../conf/simulate$short.yaml}

download_corpus() {
  stage.py --out "$downloads/mini_librispeech" --force "$force" -- mimidiar data download mini_librispeech "$downloads"
}

prepare_corpus() {
  local options=(--downloads "$downloads") inputs=()
  if [[ -n $corpus ]]; then options+=(--corpus "$corpus") inputs=(--input "$corpus")
  elif downloaded; then inputs=(--input "$downloads/mini_librispeech"); fi
  if (( limit_speakers > 0 )); then options+=(--limit-speakers "$limit_speakers"); fi
  stage.py --out "$data" --force "$force" "${inputs[@]}" -- mimidiar data prepare mini "$data" "${options[@]}"
}

simulate_conversations() { simulate "$simulation" "$data" -- sim_train sim_dev sim_test; }

simulate_long() { simulate "$long_config" "$data/dev" "$data/test" -- sim_long_dev sim_long_test; }

# simulate CONFIG INPUT... -- SET...
simulate() {
  local config=$1 inputs=() others
  while shift; [[ $1 != -- ]]; do inputs+=(--input "$1"); done
  others=("${@:3}")
  stage.py --out "$data/$2" "${others[@]/#/--also=$data/}" --nj "$nj" --force "$force" "${inputs[@]}" --input "$config" -- \
    mimidiar data simulate --config "$config" "$data" "$data"
}

# simulate_chain: test conversations by a simulator that no training or tuning set comes from.
simulate_chain() {
  stage.py --out "$data/chain_test" --force "$force" --input "$data/test" --input "$chain_config" -- \
    mimidiar study unseen-simulator "$data/test" "$data/chain_test" --config "$chain_config"
}

# The sets of conversations to score: simulated ones, and real ones where the corpus brought them.
find_tests() { tests=(sim_test); if [[ -d $data/ami_excerpts ]]; then tests+=(ami_excerpts); fi; }
