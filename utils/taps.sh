# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the recipes taps after recipe.sh: all taps of an encoder, pooled in one pass; probes; scores at each tap.

pooled=$feats.taps

# pool_taps FOLDER... -- OPTION...: the sets in these folders, each to a folder of its name; in one stage, since an encoder
# takes longer to build than a small set to pool.
pool_taps() {
  local folders=() others=()
  while (( $# > 0 )) && [[ $1 != -- ]]; do folders+=("$1"); shift; done
  others=("${folders[@]:1}")
  cmd=$device_cmd stage.py --out "$pooled/${folders[0]##*/}" "${others[@]/#*\//--also=$pooled/}" --force "$force" \
    "${folders[@]/#/--input=}" ${checkpoint:+--input "$checkpoint"} --nj "$nj" -- \
    mimidiar taps pool "${folders[@]}" "$pooled" --encoder "$encoder" ${checkpoint:+--checkpoint "$checkpoint"} \
    --device "$device" "${@:2}"
}

# prepare_texts CORPUS: trials by what is said, where a corpus has sentences that several speakers read; and the training set
# without these speakers.
prepare_texts() {
  stage.py --out "$data/texts" --force "$force" --input "$1" --input "$data/train" -- \
    mimidiar prepare texts "$data/texts" --corpus "$1" --set "train=$data/train"
}

# has_texts: there are such sets, and where the recipe has the option `texts`, it was named.
has_texts() { [[ -d $data/texts && -n ${texts-as there is no option} ]]; }

# find_train: puts the folder of the training set, without the speakers of any trials, into `train`.
find_train() {
  train=$data/train
  if has_texts && [[ -d $data/texts/train_others ]]; then train=$data/texts/train_others; fi
}

# degrade_trials SET: its trials with the utterances made worse in the ways of conf/degrade.yaml. Where the options musan and
# rirs name these corpora, with their sounds, and in a folder of its own.
with_sounds=${musan:+-musan}${rirs:+-rirs}
degraded=$data/degraded$with_sounds
degrade_trials() {
  local sounds sound_inputs
  find_sounds musan_noise
  stage.py --out "$degraded" --force "$force" --input "$data/$1" --input conf/degrade.yaml "${sound_inputs[@]}" --nj "$nj" -- \
    mimidiar degrade "$data/$1" "$degraded" --config conf/degrade.yaml "${sounds[@]}"
}

# find_folders FOLDER...: puts those that are there into `found`.
find_folders() { local each; found=(); for each in "$@"; do if [[ -d $each ]]; then found+=("$each"); fi; done; }

# pool_trials SET: all sets of trials, and those of SET made worse; those by what is said are of the same utterances. In
# stages of their own, as each of the three may be there or not.
pool_trials() {
  local found
  pool_taps "${sets[@]/#/$data/}"
  if has_texts; then pool_taps "$data/texts/texts_same"; fi
  find_folders "$degraded"/*_"$1"
  if (( ${#found[@]} > 0 )); then pooled=$pooled$with_sounds pool_taps "${found[@]}"; fi
}

# pool_windows SET... -- OPTION...: conversations, in the windows that clusters are made of.
pool_windows() {
  local folders=()
  while (( $# > 0 )) && [[ $1 != -- ]]; do folders+=("$data/$1"); shift; done
  pool_taps "${folders[@]}" -- --window-sec 1.6 --hop-sec 0.8 "${@:2}"
}

# score_all SET: all trials; those of SET made worse against clean enrolment.
score_all() {
  local folder found
  for folder in "${sets[@]/#/$data/}"; do score_taps "$folder" "$pooled/${folder##*/}"; done
  if has_texts; then
    for folder in "$data"/texts/texts_{same,other}; do score_taps "$folder" "$pooled/texts_same"; done
  fi
  find_folders "$degraded"/*_"$1"
  for folder in "${found[@]}"; do score_taps "$folder" "$pooled$with_sounds/${folder##*/}" "$pooled/$1"; done
}

# train_taps NAME FOLDER CONFIG: a probe for each tap on the set in FOLDER, to $dir/NAME.
train_taps() {
  local features=$pooled/${2##*/}
  cmd=$device_cmd stage.py --out "$dir/$1" --force "$force" --input "$2" --input "$features" --input "$3" -- \
    mimidiar taps probe "$2" "$features" "$dir/$1" --config "$3" --seed "$seed" --device "$device"
}

# tap_records OUT SEED: adds to `commands` the records of all scores in OUT.
tap_records() {
  commands+=(::: mimidiar taps record "$1" --system "taps-{tap}-$name" --set "${1##*/}" --seed "$2")
}

# score_taps FOLDER POOLED [ENROL]: the trials in FOLDER, on the pooled taps in POOLED, by the probes; the first utterance
# of each trial as it is in ENROL, else by cosine as well. No seed has a part in that: it is scored once for all of them.
score_taps() {
  local mean=$pooled/${train##*/}
  if [[ -z ${3:-} ]]; then
    score_in "$exp/$tag/cosine" 0 "$1" "$2" --input "$train" --input "$mean" -- --centre "$train" "$mean"
  fi
  score_in "$dir" "$seed" "$1" "$2" --input "$dir/speakers" ${3:+--input "$3"} -- \
    --probes "$dir/speakers/model.safetensors" ${3:+--enrol "$3"}
}

# score_in FOLDER SEED SET POOLED STAGE_OPTION... -- OPTION...: the trials in the folder SET by `mimidiar taps score` with these
# options, to FOLDER/<name of SET>.
score_in() {
  local out=$1/${3##*/} seed=$2 data=$3 features=$4 inputs=() commands
  shift 4
  while [[ $1 != -- ]]; do inputs+=("$1"); shift; done
  commands=(mimidiar taps score "$data" "$features" "$out" "${@:2}")
  tap_records "$out" "$seed"
  stage.py --out "$out" --force "$force" --input "$data" --input "$features" "${inputs[@]}" --nj "$nj" -- "${commands[@]}"
}

# cluster_taps PROBES DEV TEST: speakers by clusters of windows; when two clusters are two speakers is tuned on DEV.
cluster_taps() {
  local probes=$dir/$1 dev=$2 test=$3 commands
  stage.py --out "$dir/tuned" --force "$force" --input "$data/$dev" --input "$pooled/$dev" --input "$probes" -- \
    mimidiar taps tune "$data/$dev" "$pooled/$dev" "$dir/tuned" --probes "$probes/model.safetensors"
  commands=(mimidiar taps cluster "$data/$test" "$pooled/$test" "$dir/$test" --probes "$probes/model.safetensors" \
    --tuned "$dir/tuned/tuned.yaml")
  tap_records "$dir/$test" "$seed"
  stage.py --out "$dir/$test" --force "$force" --input "$data/$test" --input "$pooled/$test" --input "$probes" \
    --input "$dir/tuned" --nj "$nj" -- "${commands[@]}"
}

# draw_depth: error rates over depth, of all encoders that were scored here.
draw_depth() {
  mimidiar report ../conf/table.yaml --only taps --results "$exp" --format json --allow-dirty -o "$exp/$tag/depth.json"
  mimidiar figure depth "$exp/$tag/depth.json" -o "$exp/$tag/depth"
}
