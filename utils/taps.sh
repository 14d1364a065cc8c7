# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the recipes taps after recipe.sh: all taps of an encoder, pooled in one pass; probes; scores at each tap.

pooled=$features.taps

# pool_taps FOLDER... -- OPTION...: the sets in these folders, each to a folder of its name; in one stage, since an encoder
# takes longer to build than a small set to pool.
pool_taps() {
  local folders=() others=()
  while (( $# > 0 )) && [[ $1 != -- ]]; do folders+=("$1"); shift; done
  others=("${folders[@]:1}")
  cmd=$device_cmd stage.py --out "$pooled/${folders[0]##*/}" "${others[@]/#*\//--also=$pooled/}" --force "$force" \
    "${folders[@]/#/--input=}" ${weights:+--input "$weights"} --nj "$nj" -- \
    mimidiar study taps pool "${folders[@]}" "$pooled" --encoder "$encoder" ${weights:+--checkpoint "$weights"} \
    --device "$device" "${@:2}"
}

# prepare_texts CORPUS: trials with the same sentences, if a corpus has sentences that several speakers read; and the training set
# without these speakers.
prepare_texts() {
  stage.py --out "$manifests/texts" --force "$force" --input "$1" --input "$manifests/train" -- \
    mimidiar data prepare texts "$manifests/texts" --corpus "$1" --set "train=$manifests/train"
}

# has_texts: there are such sets, and where the recipe has the option `texts`, it was named.
has_texts() { [[ -d $manifests/texts && -n ${texts-as there is no option} ]]; }

# find_train: puts the folder of the training set, without the speakers of any trials, into `train`.
find_train() {
  train=$manifests/train
  if has_texts && [[ -d $manifests/texts/train_others ]]; then train=$manifests/texts/train_others; fi
}

# degrade_trials SET: its trials with the utterances degraded in the ways of conf/degrade.yaml. Where the options musan and
# rirs name these corpora, with their sounds, and in a folder of its own.
with_sounds=${musan:+-musan}${rirs:+-rirs}
degraded=$manifests/degraded$with_sounds
degrade_trials() {
  local sounds sound_inputs
  find_sounds musan_noise
  stage.py --out "$degraded" --force "$force" --input "$manifests/$1" --input conf/degrade.yaml "${sound_inputs[@]}" \
    --nj "$nj" -- mimidiar data degrade "$manifests/$1" "$degraded" --config conf/degrade.yaml "${sounds[@]}"
}

# find_folders FOLDER...: puts those that are there into `found`.
find_folders() { local each; found=(); for each in "$@"; do if [[ -d $each ]]; then found+=("$each"); fi; done; }

# pool_trials SET: all sets of trials, and those of SET degraded; those by sentence have the same utterances. In stages of
# their own, as each of the three may be there or not.
pool_trials() {
  local found
  pool_taps "${trials[@]/#/$manifests/}"
  if has_texts; then pool_taps "$manifests/texts/texts_same"; fi
  find_folders "$degraded"/*_"$1"
  if (( ${#found[@]} > 0 )); then pooled=$pooled$with_sounds pool_taps "${found[@]}"; fi
}

# pool_windows SET... -- OPTION...: conversations, in the windows that clusters are made of.
pool_windows() {
  local folders=()
  while (( $# > 0 )) && [[ $1 != -- ]]; do folders+=("$manifests/$1"); shift; done
  pool_taps "${folders[@]}" -- --window-sec 1.6 --hop-sec 0.8 "${@:2}"
}

# score_all SET: all trials; those of SET degraded against clean enrollment.
score_all() {
  local folder found
  for folder in "${trials[@]/#/$manifests/}"; do score_taps "$folder" "$pooled/${folder##*/}"; done
  if has_texts; then
    for folder in "$manifests"/texts/texts_{same,other}; do score_taps "$folder" "$pooled/texts_same"; done
  fi
  find_folders "$degraded"/*_"$1"
  for folder in "${found[@]}"; do score_taps "$folder" "$pooled$with_sounds/${folder##*/}" "$pooled/$1"; done
}

# train_taps NAME FOLDER CONFIG: a probe for each tap on the set in FOLDER, to $dir/NAME.
train_taps() {
  local vectors=$pooled/${2##*/}
  cmd=$device_cmd stage.py --out "$dir/$1" --force "$force" --input "$2" --input "$vectors" --input "$3" -- \
    mimidiar study taps probe "$2" "$vectors" "$dir/$1" --config "$3" --seed "$seed" --device "$device"
}

# tap_stage OUT SEED STAGE_OPTION... -- COMMAND...: a command that scores in OUT, and the records of these scores.
tap_stage() {
  local out=$1 record_seed=$2 options=()
  shift 2
  while [[ $1 != -- ]]; do options+=("$1"); shift; done
  stage.py --out "$out" --force "$force" "${options[@]}" --nj "$nj" "$@" ::: \
    mimidiar study taps record "$out" --system "taps-{tap}-$label" --set "${out##*/}" --seed "$record_seed"
}

# score_taps FOLDER POOLED [ENROLL]: the trials in FOLDER, on the pooled taps in POOLED, by the probes; the first utterance of
# each trial as it is in ENROLL, else by cosine as well. No seed has a part in that: it is scored once for all of them.
score_taps() {
  local mean=$pooled/${train##*/} set=${1##*/} inputs=(--input "$1" --input "$2")
  if [[ -z ${3:-} ]]; then
    tap_stage "$exp/$experiment/cosine/$set" 0 "${inputs[@]}" --input "$train" --input "$mean" -- \
      mimidiar study taps score "$1" "$2" "$exp/$experiment/cosine/$set" --centre "$train" "$mean"
  fi
  tap_stage "$dir/$set" "$seed" "${inputs[@]}" --input "$dir/speakers" ${3:+--input "$3"} -- \
    mimidiar study taps score "$1" "$2" "$dir/$set" --probes "$dir/speakers/model.safetensors" ${3:+--enrol "$3"}
}

# cluster_taps PROBES DEV TEST: speakers by clusters of windows; the distance at which two clusters differ is tuned on DEV.
cluster_taps() {
  local probes=$dir/$1 dev=$2 test=$3
  stage.py --out "$dir/tuned" --force "$force" --input "$manifests/$dev" --input "$pooled/$dev" --input "$probes" -- \
    mimidiar study taps tune "$manifests/$dev" "$pooled/$dev" "$dir/tuned" --probes "$probes/model.safetensors"
  tap_stage "$dir/$test" "$seed" --input "$manifests/$test" --input "$pooled/$test" --input "$probes" --input "$dir/tuned" -- \
    mimidiar study taps cluster "$manifests/$test" "$pooled/$test" "$dir/$test" --probes "$probes/model.safetensors" \
    --tuned "$dir/tuned/tuned.yaml"
}

# draw_depth: error rates over depth, of all encoders that were scored here.
draw_depth() {
  local out=$exp/$experiment/depth
  mimidiar report ../conf/table.yaml --only taps --results "$exp" --format json --allow-dirty -o "$out.json"
  mimidiar figure depth "$out.json" -o "$out"
}
