# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the recipes of egs/mini after recipe.sh: their speech, and the conversations made of it.

downloads=../downloads

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

simulate_long() {
  stage.py --out "$data/sim_long_dev" --also "$data/sim_long_test" --nj "$nj" \
    --force "$force" --input "$data/dev" --input "$data/test" --input "$long_config" -- \
    mimidiar simulate --config "$long_config" "$data" "$data"
}

# simulate_chain: conversations for testing alone, of nothing that anybody is trained or tuned on.
simulate_chain() {
  stage.py --out "$data/chain_test" --force "$force" --input "$data/test" --input "$chain_config" -- \
    mimidiar chain "$data/test" "$data/chain_test" --config "$chain_config"
}

# The sets of conversations to score: simulated ones, and real ones where the corpus brought them.
test_sets() { echo sim_test; if [[ -d $data/ami_excerpts ]]; then echo ami_excerpts; fi; }
