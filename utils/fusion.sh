# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the fusion recipes after recipe.sh: the features of the codec, of the speaker encoder, and of both as one stream;
# conf/systems.yaml gives the input of each system.

codec_features=$features
speaker_features=$feats/$speaker.$speaker_tap$bits
both_features=$codec_features+$speaker.$speaker_tap
speaker_weights=$speaker_checkpoint
if [[ $speaker == titanet ]]; then speaker_weights=${speaker_weights:-${TITANET_CHECKPOINT:-}}; fi
# Another speaker encoder than the recipe's is in the names, so that a table cannot take one for the other; other windows of
# it are, unless the experiment was given a name.
if [[ $speaker_tap != "${option_default[speaker_tap]}" && $experiment == "$default_experiment" ]]; then
  name_experiment "$experiment-$speaker_tap"
fi
if [[ $speaker != "${option_default[speaker]}" ]]; then name_experiment "$experiment-$speaker"; fi

# extract_streams SET...: the features of both encoders, and a folder that names the two.
extract_streams() {
  extract_features "$@"
  extract_with "$speaker" "$speaker_tap" "$speaker_weights" "$speaker_features" "$@"
  fuse "$codec_features" "$both_features" "$@"
}

# fuse CODEC BOTH SET...: the codec's features in CODEC with those of the speaker encoder, in BOTH.
fuse() {
  local set
  for set in "${@:3}"; do
    stage.py --out "$2/$set" --force "$force" --input "$1/$set" --input "$speaker_features/$set" -- \
      mimidiar feats fuse "$1/$set" "$speaker_features/$set" "$2/$set"
  done
}

use_system() {
  local folder=${input:-codec}_features
  features=${!folder} train_options=("${options[@]}")
}
