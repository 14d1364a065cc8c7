# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the branch recipes after recipe.sh: conversations of dev and test speakers, and pairs of windows of them, which are
# scored in the same way for every system of conf/systems.yaml.

read -ra lengths <<< "$windows"

# Derives the codec of the system, its features, and where its scores lie: those of what nobody trains here (no branch that
# `reads` features) are made once for all seeds, and recorded as of seed 0.
use_system() {
  codec_encoder=${codec_name:-$encoder} record_seed=$seed
  if [[ -n $codec_name ]]; then weights=$(shipped_weights "$codec_name") features=$feats/$codec_name${tap:+.$tap}$bits; fi
  reads=("${reads[@]/#codec./$encoder.}")
  if (( ${#reads[@]} > 0 )); then features=$dir/features branch=$dir/model/model.safetensors
  else dir=$exp/$experiment/untrained/$system label=$system record_seed=0; fi
}

# draw_talks SPLIT CONFIG: the set talk_SPLIT, by the diarizer recipe's model of turn-taking.
draw_talks() {
  stage.py --out "$manifests/talk_$1" --force "$force" --input "$manifests/$1" --input "$2" --input "$turns" -- \
    mimidiar data simulate-turns "$manifests" "$manifests" --config "$2" --turns "$turns"
}

# extract_system DEV SET...: the codec's features; of what a branch reads, those of DEV alone. A speaker encoder runs on windows
# of audio.
extract_system() {
  local each
  for each in "${reads[@]}"; do extract_with "${each%%.*}" "${each#*.}" "$(codec_weights "${each%%.*}")" "$feats/$each" "$1"; done
  if [[ $input == codec && ${#reads[@]} == 0 ]]; then extract_with "$codec_encoder" "$tap" "$weights" "$features" "$@"; fi
}

# codec_weights ENCODER: the file of a codec, that of the recipe's options for its encoder.
codec_weights() { if [[ $1 == "$encoder" ]]; then echo "$weights"; else shipped_weights "$1"; fi; }

# train_system TRAIN DEV: a branch, on simulated conversations of TRAIN's speakers, chosen on DEV.
train_system() {
  local train=$1 dev=$2 each feats_of=() inputs=()
  if (( ${#reads[@]} == 0 )); then return; fi
  for each in "${reads[@]}"; do feats_of+=(--feats "$feats/$each/$dev") inputs+=(--input "$feats/$each/$dev"); done
  each=$(codec_weights "${reads[0]%%.*}")
  cmd=$train_cmd stage.py --out "$dir/model" --force "$force" --input "$manifests/$train" --input "$manifests/$dev" \
    --input "$train_config" --input "$turns" "${inputs[@]}" ${sequences:+--input "$sequences"} ${each:+--input "$each"} -- \
    mimidiar train-branch "$dir/model" --speech "$manifests/$train" --turns "$turns" ${sequences:+--sequences "$sequences"} \
    --dev "$manifests/$dev" "${feats_of[@]}" --pool "$exp/pool" --config "$train_config" --seed "$seed" \
    ${each:+--checkpoint "$each"} "${train_on[@]}" "${options[@]}"
}

# extract_branch SET...: the frames of a branch.
extract_branch() {
  if (( ${#reads[@]} > 0 )); then extract_with branch "" "$branch" "$features" "$@"; fi
}

# choose_pairs SET...: the pairs of windows that all systems are scored on.
choose_pairs() {
  local set
  for set in "$@"; do
    stage.py --out "$exp/pairs/$set" --force "$force" --input "$manifests/$set" -- \
      mimidiar study pairs choose "$manifests/$set" "$exp/pairs/$set" --pairs "$pairs" "${lengths[@]/#/--window-sec=}"
  done
}

# score_system SET...: the equal error rate of each length of windows.
score_system() {
  local set by inputs scoring
  for set in "$@"; do
    by=(--encoder "$speaker" ${speaker_checkpoint:+--checkpoint "$speaker_checkpoint"})
    inputs=(${speaker_checkpoint:+--input "$speaker_checkpoint"}) scoring=("${options[@]}")
    if (( ${#reads[@]} > 0 )); then scoring=(); fi
    if [[ $input == codec ]]; then by=(--feats "$features/$set") inputs=(--input "$features/$set"); fi
    stage.py --out "$dir/$set" --force "$force" --input "$manifests/$set" --input "$exp/pairs/$set" "${inputs[@]}" -- \
      mimidiar study pairs score "$manifests/$set" "$exp/pairs/$set" "$dir/$set" "${by[@]}" "${scoring[@]}" --name "$system" ::: \
      mimidiar table record "${lengths[@]/#/$dir/$set/window}" --system "$recipe-$label" --set "$set" --seed "$record_seed"
  done
}
