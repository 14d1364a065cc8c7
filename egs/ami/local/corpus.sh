# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by recipe.sh in egs/ami: AMI's meetings, and conversations simulated from LibriSpeech.

downloads=../downloads
# The data of the original study: it tunes and tests on training meetings, with the transcribers' segments as references.
original='' references=${reference:-only_words}
if [[ $leaky == true ]]; then original=_ancestor references=${reference:-segments}; fi
simulation=${sim_config:-../conf/simulate$original.yaml}
if [[ $leaky == true && $experiment != *leaky* ]]; then
  echo "run.sh: error: what --leaky makes is for comparison only, and its name must say so: --tag $experiment-leaky" >&2
  exit 1
fi

# A folder of RTTM files may be named as the reference, one per meeting: forced alignments.
rttm=
if [[ -d $references ]]; then rttm=$references references=rttm; fi

# The name of a set holds all settings behind it: ami_mix_train, or ami_sdm_segments_leaky_train.
meetings=ami_$mic
if [[ $references != only_words ]]; then meetings+=_$references; fi
if [[ $leaky == true ]]; then meetings+=_leaky; fi

# simulated SPLIT: the simulated sets of the configuration that begin with SPLIT, each on a line.
simulated() { sed -n "/^sets:/,\$ s/^  \($1[a-z0-9_]*\):.*/sim_\1/p" "$simulation"; }

# Training sets; validation sets, the first of which is the tuning set; test sets.
mapfile -t train_sets < <(echo "${meetings}_train"; simulated train)
mapfile -t dev_sets < <(echo "${meetings}_dev"; simulated dev)
mapfile -t test_sets < <(echo "${meetings}_test"; simulated test)
if [[ $leaky == true ]]; then test_sets+=("${dev_sets[@]:1}"); fi
mapfile -t all_sets < <(printf '%s\n' "${train_sets[@]}" "${dev_sets[@]}" "${test_sets[@]}" | awk '!seen[$0]++')

# No stages, since --force would empty their folders: a download continues, and a second microphone is added to the first.
download_corpora() {
  mimidiar data download ami "$downloads" --set "mic=$mic"
  mimidiar data download librispeech "$downloads"
}

prepare_corpora() {
  local common=(--downloads "$downloads" --set "skip_missing=$skip_missing") made=("$data/$meetings"_{train,dev,test})
  local options=(--set "mic=$mic" --set "reference=$references" --set "prefix=${meetings}_" --set max_speakers=4)
  if [[ -n $rttm ]]; then options+=(--set "rttm=$rttm"); fi
  if [[ $leaky == true ]]; then options+=(--set ancestor_split=true); fi
  stage.py --out "${made[0]}" --also "${made[1]}" --also "${made[2]}" --force "$force" \
    ${ami:+--input "$ami"} ${rttm:+--input "$rttm"} -- \
    mimidiar data prepare ami "$data" ${ami:+--corpus "$ami"} "${common[@]}" "${options[@]}"
  stage.py --out "$data/librispeech" --force "$force" ${librispeech:+--input "$librispeech"} -- \
    mimidiar data prepare librispeech "$data/librispeech" ${librispeech:+--corpus "$librispeech"} "${common[@]}"
  prepare_sounds
}

# simulate_conversations: from LibriSpeech; training conversations with the sounds of MUSAN and the rooms of the options.
simulate_conversations() {
  local sets others sounds sound_inputs
  find_sounds
  mapfile -t sets < <(simulated "")
  sets=("${sets[@]/#/$data/}")
  others=("${sets[@]:1}")
  stage.py --out "${sets[0]}" "${others[@]/#/--also=}" --nj "$nj" --force "$force" \
    --input "$data/librispeech" --input "$simulation" "${sound_inputs[@]}" -- \
    mimidiar data simulate --config "$simulation" "$data/librispeech" "$data" "${sounds[@]}"
}
