# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the fusion recipes after recipe.sh: the speaker encoder's features, the two streams as one, and the systems that
# are compared: same data, same seed, same adapter, other input.
#
#   mimi      the codec alone
#   speaker   the speaker embeddings alone
#   concat    both side by side, as in the paper
#   voices    the speaker embeddings alone, as likeness to the voices of the window (models/fusion.py)
#   likeness  the codec and that likeness

mimi_feats=$feats
speaker_feats=${feats%/*}/$speaker.$speaker_tap$bits
fused_feats=$mimi_feats+$speaker.$speaker_tap
if [[ $speaker == titanet ]]; then speaker_checkpoint=${speaker_checkpoint:-${TITANET_CHECKPOINT:-}}; fi
base_tag=$tag
# Another speaker encoder than the recipe's is in the names, so that a table cannot take one for the other; other windows of
# it are, unless the experiment was given a name.
if [[ $speaker_tap != "${_options_default[speaker_tap]}" && $tag == "$default_tag" ]]; then tag+=-$speaker_tap; fi
if [[ $speaker != "${_options_default[speaker]}" ]]; then tag+=-$speaker; fi
read -ra systems <<< "$systems"
likeness=(--set fusion.anchors=4)

# extract_streams SET...: the features of both encoders, and a folder that names the two.
extract_streams() {
  local set
  extract_features "$@"
  extract_with "$speaker" "$speaker_tap" "$speaker_checkpoint" "$speaker_feats" "$@"
  for set in "$@"; do
    stage.py --out "$fused_feats/$set" --force "$force" --input "$mimi_feats/$set" --input "$speaker_feats/$set" -- \
      mimidiar fuse "$mimi_feats/$set" "$speaker_feats/$set" "$fused_feats/$set"
  done
}

# each_system COMMAND...: for each system of `systems`, with its features, its options and its folder.
each_system() {
  local system feats train_options dir name
  for system in "${systems[@]}"; do
    train_options=()
    case $system in
      mimi) feats=$mimi_feats ;;
      speaker) feats=$speaker_feats ;;
      concat) feats=$fused_feats ;;
      voices) feats=$speaker_feats train_options=("${likeness[@]}") ;;
      likeness) feats=$fused_feats train_options=("${likeness[@]}") ;;
      *) echo "run.sh: error: no system '$system'; choose among mimi speaker concat voices likeness" >&2; exit 1 ;;
    esac
    dir=$exp/$tag/seed$seed/$system name=$system-${tag//./-}
    "$@"
  done
}

# score_sets SET...: posteriors, tuned on the first set, and scores of the others.
score_sets() {
  local set
  infer_and_tune "$@"
  for set in "${@:2}"; do score_posteriors "$set"; done
}
