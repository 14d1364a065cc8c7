# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the recipes of egs/ami after recipe.sh: AMI's meetings, and conversations simulated of LibriSpeech's voices.
# Of the options it reads: ami librispeech mic reference leaky skip_missing sim_config musan rirs (empty where a recipe has
# them not).

downloads=../downloads
mic=${mic:-mix}
# The ancestor's data: meetings that are trained on are tuned and scored on too, labels of the transcribers' segments.
ancestor=
if [[ ${leaky:=false} == true ]]; then ancestor=_ancestor; fi
reference=${reference:-$(if [[ -n $ancestor ]]; then echo segments; else echo only_words; fi)}
sim_config=${sim_config:-../conf/simulate$ancestor.yaml}
if [[ -n $ancestor && $tag != *leaky* ]]; then
  echo "run.sh: error: what --leaky makes is for comparison only, and its name must say so: --tag ${tag}-leaky" >&2
  exit 1
fi

# A folder of RTTM files may be named as the reference, one per meeting: forced alignments.
rttm=
if [[ -d $reference ]]; then rttm=$reference reference=rttm; fi

# Names of sets say all that they depend on: ami_mix_train, or ami_sdm_segments_leaky_train.
meetings=ami_$mic
if [[ $reference != only_words ]]; then meetings+=_$reference; fi
if [[ -n $ancestor ]]; then meetings+=_leaky; fi

# simulated SPLIT: the simulated sets of the configuration that begin with SPLIT, each on a line.
simulated() { sed -n "/^sets:/,\$ s/^  \($1[a-z0-9_]*\):.*/sim_\1/p" "$sim_config"; }

# What a recipe trains on; watches in training, and tunes on (the first of them alone); and scores.
mapfile -t train_sets < <(echo "${meetings}_train"; simulated train)
mapfile -t dev_sets < <(echo "${meetings}_dev"; simulated dev)
mapfile -t test_sets < <(echo "${meetings}_test"; simulated test)
if [[ -n $ancestor ]]; then test_sets+=("${dev_sets[@]:1}"); fi
mapfile -t all_sets < <(printf '%s\n' "${train_sets[@]}" "${dev_sets[@]}" "${test_sets[@]}" | awk '!seen[$0]++')

# No stages, which --force would empty: a download goes on where it was, and the second microphone joins the first.
download_corpora() {
  mimidiar download ami "$downloads" --set "mic=$mic"
  mimidiar download librispeech "$downloads"
}

prepare_corpora() {
  local common=(--downloads "$downloads" --set "skip_missing=${skip_missing:-false}")
  local made=("$data/$meetings"_{train,dev,test})
  local options=(--set "mic=$mic" --set "reference=$reference" --set "prefix=${meetings}_" --set max_speakers=4)
  if [[ -n $rttm ]]; then options+=(--set "rttm=$rttm"); fi
  if [[ -n $ancestor ]]; then options+=(--set ancestor_split=true); fi
  stage.py --out "${made[0]}" --also "${made[1]}" --also "${made[2]}" --force "$force" \
    ${ami:+--input "$ami"} ${rttm:+--input "$rttm"} -- \
    mimidiar prepare ami "$data" ${ami:+--corpus "$ami"} "${common[@]}" "${options[@]}"
  stage.py --out "$data/librispeech" --force "$force" ${librispeech:+--input "$librispeech"} -- \
    mimidiar prepare librispeech "$data/librispeech" ${librispeech:+--corpus "$librispeech"} "${common[@]}"
  prepare_sounds
}

# simulate_conversations: of LibriSpeech's voices; those to train on with the sounds of MUSAN and the rooms that were named.
simulate_conversations() {
  local sets others sounds sound_inputs
  find_sounds
  mapfile -t sets < <(simulated "")
  sets=("${sets[@]/#/$data/}")
  others=("${sets[@]:1}")
  stage.py --out "${sets[0]}" "${others[@]/#/--also=}" --nj "$nj" --force "$force" \
    --input "$data/librispeech" --input "$sim_config" "${sound_inputs[@]}" -- \
    mimidiar simulate --config "$sim_config" "$data/librispeech" "$data" "${sounds[@]}"
}
