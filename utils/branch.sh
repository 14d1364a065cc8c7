# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the branch recipes after recipe.sh: conversations of dev and test speakers, and pairs of windows of them, which are
# scored in the same way for every system of conf/systems.yaml.

read -ra lengths <<< "$windows"

# Derives the codec of the system, its features, and where its scores lie: those of what nobody trains here (no `model`) are made
# once for all seeds, and recorded as of seed 0.
use_system() {
  codec_encoder=${codec_name:-$encoder} record_seed=$seed
  if [[ -n $codec_name ]]; then weights=$(shipped_weights "$codec_name") features=$feats/$codec_name${tap:+.$tap}$bits; fi
  if [[ -z $model ]]; then dir=$exp/$experiment/untrained/$system label=$system record_seed=0; fi
}

# draw_talks SPLIT CONFIG: the set talk_SPLIT, by the diarizer recipe's model of turn-taking.
draw_talks() {
  stage.py --out "$manifests/talk_$1" --force "$force" --input "$manifests/$1" --input "$2" --input "$turns" -- \
    mimidiar data simulate-turns "$manifests" "$manifests" --config "$2" --turns "$turns"
}

# extract_system SET...: the codec's features; a speaker encoder runs on windows of audio.
extract_system() {
  if [[ $input == codec ]]; then extract_with "$codec_encoder" "$tap" "$weights" "$features" "$@"; fi
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
  local set by inputs
  for set in "$@"; do
    by=(--encoder "$speaker" ${speaker_checkpoint:+--checkpoint "$speaker_checkpoint"})
    inputs=(${speaker_checkpoint:+--input "$speaker_checkpoint"})
    if [[ $input == codec ]]; then by=(--feats "$features/$set") inputs=(--input "$features/$set"); fi
    stage.py --out "$dir/$set" --force "$force" --input "$manifests/$set" --input "$exp/pairs/$set" "${inputs[@]}" -- \
      mimidiar study pairs score "$manifests/$set" "$exp/pairs/$set" "$dir/$set" "${by[@]}" "${options[@]}" --name "$system" ::: \
      mimidiar table record "${lengths[@]/#/$dir/$set/window}" --system "$recipe-$label" --set "$set" --seed "$record_seed"
  done
}
