# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the recipes of egs/voxceleb after recipe.sh: VoxCeleb1, and mixtures of two of its utterances.
# Of the options it reads: corpus settings leaky mix_config limit_speakers (empty where a recipe has them not).

downloads=../downloads
dev_set=sim_dev test_set=sim_test
# The ancestor's data: training, tuning and test speakers are all of the test part.
if [[ ${leaky:=false} == true ]]; then
  if [[ $tag != *leaky* ]]; then
    echo "run.sh: error: what --leaky makes is for comparison only, and its name must say so: --tag ${tag}-leaky" >&2
    exit 1
  fi
  data=$(dirname "$data")/leaky/$(basename "$data") feats=$feats/leaky
  dev_set=sim_dev_leaky test_set=sim_test_leaky settings+=" ancestor_split=true"
  mix_config=${mix_config:-../conf/mixtures_leaky.yaml}
fi
mix_config=${mix_config:-../conf/mixtures.yaml}

download_corpus() {
  stage.py --out "$downloads/voxceleb1" --force "$force" -- mimidiar download voxceleb1 "$downloads"
}

prepare_corpus() {
  local options=(--downloads "$downloads") words
  read -ra words <<< "${settings:-}"
  options+=("${words[@]/#/--set=}")
  if [[ -n $corpus ]]; then options+=(--corpus "$corpus"); fi
  if (( ${limit_speakers:-0} > 0 )); then options+=(--limit-speakers "$limit_speakers"); fi
  stage.py --out "$data" --force "$force" ${corpus:+--input "$corpus"} -- mimidiar prepare voxceleb1 "$data" "${options[@]}"
}

mix_utterances() {
  stage.py --out "$data/$dev_set" --also "$data/$test_set" --force "$force" --input "$data" --input "$mix_config" -- \
    mimidiar mix "$data" "$data" --config "$mix_config"
}

# train_on_mixtures SET: the adapter, on mixtures of SET's utterances that are made on the fly, with the sounds of MUSAN and the
# rooms that were named; watched on $dev_set.
train_on_mixtures() {
  local sounds sound_inputs
  find_sounds
  cmd=$train_cmd stage.py --out "$dir/model" --force "$force" --input "$data/$1" --input "$data/$dev_set" \
    --input "$feats/$dev_set" --input "$train_config" "${sound_inputs[@]}" ${checkpoint:+--input "$checkpoint"} -- \
    mimidiar train "$dir/model" --mixtures "$data/$1" "${sounds[@]}" --dev "$data/$dev_set" "$feats/$dev_set" \
    --config "$train_config" --seed "$seed" "${train_on[@]}" ${checkpoint:+--checkpoint "$checkpoint"}
}
