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

# Conversations that follow the turns of real ones, for which the corpus has references without audio in its folder refs.
replay_sets=(quick quick_dev crowd crowd_dev)

has_references() { [[ -n $corpus && -d $corpus/refs ]]; }

# prepare_turns: the turns of real conversations, in a list for each purpose.
prepare_turns() {
  if ! has_references; then return; fi
  stage.py --out "$data/turn_sequences" --force "$force" --input "$corpus/refs" -- \
    mimidiar data turn-sequences "$corpus/refs" "$data/turn_sequences"
}

# find_sequences: the file of those to train on into `sequences`; empty without them.
find_sequences() { sequences=$data/turn_sequences/train.rttm; if [[ ! -f $sequences ]]; then sequences=''; fi; }

# replay_turns: quick and crowd for tests, quick_dev and crowd_dev for validation, where there are such references.
replay_turns() {
  local others=("${replay_sets[@]:1}")
  if ! has_references; then
    echo "left out: ${replay_sets[*]}; they follow real conversations, and the corpus has no folder refs with references of them"
    return
  fi
  prepare_turns
  stage.py --out "$data/${replay_sets[0]}" "${others[@]/#/--also=$data/}" --force "$force" --input "$data/dev" --input "$data/test" \
    --input "$data/turn_sequences" --input "$replay_config" -- \
    mimidiar study replay "$data" "$data" --config "$replay_config" --turns "$data/turn_sequences"
}

# left_out SET: it is not there, and need not be: real conversations, or references of some, which not every corpus has.
left_out() {
  [[ ! -d $data/$1 ]] && { [[ $1 == ami_excerpts ]] || { [[ " ${replay_sets[*]} " == *" $1 "* ]] && ! has_references; }; }
}

# The sets of conversations to score: simulated ones, and real ones where the corpus brought them.
find_tests() { tests=(sim_test); if [[ -d $data/ami_excerpts ]]; then tests+=(ami_excerpts); fi; }
