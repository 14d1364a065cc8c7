# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by recipe.sh in egs/voxceleb: VoxCeleb1, and mixtures of two of its utterances.

downloads=../downloads
dev_set=sim_dev test_set=sim_test mixtures=${mix_config:-../conf/mixtures.yaml}
read -ra corpus_settings <<< "$settings"
# The data of the original study: training, tuning and test speakers are all of the test part.
if [[ ${leaky:-false} == true ]]; then
  if [[ $experiment != *leaky* ]]; then
    echo "run.sh: error: what --leaky makes is for comparison only, and its name must say so: --tag $experiment-leaky" >&2
    exit 1
  fi
  manifests=$(dirname "$data")/leaky/$(basename "$data") features=$features/leaky
  dev_set=sim_dev_leaky test_set=sim_test_leaky mixtures=${mix_config:-../conf/mixtures_leaky.yaml}
  corpus_settings+=(ancestor_split=true)
fi

download_corpus() {
  stage.py --out "$downloads/voxceleb1" --force "$force" -- mimidiar data download voxceleb1 "$downloads"
}

prepare_corpus() {
  local options=(--downloads "$downloads" "${corpus_settings[@]/#/--set=}" ${corpus:+--corpus "$corpus"})
  if (( limit_speakers > 0 )); then options+=(--limit-speakers "$limit_speakers"); fi
  stage.py --out "$manifests" --force "$force" ${corpus:+--input "$corpus"} -- \
    mimidiar data prepare voxceleb1 "$manifests" "${options[@]}"
}

mix_utterances() {
  stage.py --out "$manifests/$dev_set" --also "$manifests/$test_set" --force "$force" --input "$manifests" --input "$mixtures" \
    -- mimidiar data mix "$manifests" "$manifests" --config "$mixtures"
}

# train_on_mixtures SET: the adapter, on mixtures of SET's utterances that are made on the fly, with the sounds of MUSAN and the
# rooms that were named; $dev_set is the validation set.
train_on_mixtures() {
  local sounds sound_inputs
  find_sounds
  cmd=$train_cmd stage.py --out "$dir/model" --force "$force" --input "$manifests/$1" --input "$manifests/$dev_set" \
    --input "$features/$dev_set" --input "$train_config" "${sound_inputs[@]}" ${weights:+--input "$weights"} -- \
    mimidiar train "$dir/model" --mixtures "$manifests/$1" "${sounds[@]}" --dev "$manifests/$dev_set" "$features/$dev_set" \
    --config "$train_config" --seed "$seed" "${train_on[@]}" ${weights:+--checkpoint "$weights"}
}
