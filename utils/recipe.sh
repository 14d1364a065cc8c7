# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by a recipe after parse_options.sh: where its features and experiments lie, and the stages that recipes of every
# dataset share. What one dataset alone needs (download, preparation, simulation) is in its local/corpus.sh.

. stages.sh
. parallel.sh

# The recipe as it is called in records.
recipe=${PWD##*/}
# Names of folders include all that changes their contents: 16 bits; weights of the small Mimi other than the shipped ones.
bits=
if [[ $compress == true ]]; then bits=-16bit; fi
codec=$encoder
if [[ $encoder == mimi-mini && ${checkpoint##*/} == mimi-mini-*.safetensors ]]; then
  codec=${checkpoint##*/} codec=${codec%.safetensors}
fi
features=$feats/$codec${tap:+.$tap}$bits
manifests=$data

# name_experiment NAME: the folder of the experiment; in names of systems NAME has no dots.
name_experiment() { experiment=$1 dir=$exp/$1/seed$seed label=${1//./-}; }
# Recorded sounds, sentences that several speakers read, and another tap than the recipe's change what is trained on.
if [[ $tap != "${option_default[tap]}" ]]; then other_tap=.$tap; fi
default_experiment=$codec${other_tap:-}${texts:+-texts}${musan:+-musan}${rirs:+-rirs}$bits
name_experiment "${tag:-$default_experiment}"

# shipped_weights ENCODER: the file that comes with the package, if there is one.
shipped_weights() {
  local file=$MIMIDIAR_ROOT/mimidiar/assets/$1.safetensors
  if [[ -f $file ]]; then echo "$file"; fi
}
# The weights are an input of the features; a variable that only the encoder read would not be in their key.
weights=$checkpoint
if [[ $encoder == mimi ]]; then weights=${weights:-${MIMI_CHECKPOINT:-}}; fi
weights=${weights:-$(shipped_weights "$encoder")}

# Results of a GPU differ from those of a CPU in the last digits; the logs name the device.
device=cpu device_cmd=$cmd train_cmd=$cmd processes=1 num_workers=${loaders:-0}
if (( ngpu > 0 )); then
  # One process trains on each GPU, fed by its part of --nj loaders: on a CPU loading takes no time, beside a GPU it does.
  device=cuda device_cmd=$cuda_cmd processes=$ngpu num_workers=${loaders:-$(( (nj + ngpu - 1) / ngpu ))}
  train_cmd="$cuda_cmd --gpu $ngpu"
fi
if (( num_workers > 0 )); then train_cmd+=" --cpus $(( processes * (1 + num_workers) ))"; fi
train_on=(--device "$device" --processes "$processes" --num-workers "$num_workers")

# Trivial baselines are scored once for all recipes of a dataset.
baselines=$(dirname "$data")/floors/exp

# each_system "NAME..." COMMAND...: the command for each of these systems, one after the other or `at_once` at a time, with the
# settings of conf/systems.yaml as variables, a folder of its own, and what use_system, a function of the recipe, derives.
each_system() {
  local text lines line
  text=$(systems.py conf/systems.yaml "$1")
  mapfile -t lines <<< "$text"
  for line in "${lines[@]}"; do
    if (( at_once > 1 )); then nj=1 spawn as_system "$line" "${@:2}"; else as_system "$line" "${@:2}"; fi
  done
  all_ended
}

# as_system SETTINGS COMMAND...
as_system() {
  eval "local $1"
  local features=$features weights=$weights config=$config train_inputs=() train_options=()
  local dir=$dir/$system label=$system-$label
  use_system
  "${@:2}"
}

# extract_features SET...: with the encoder of this recipe, to its features.
extract_features() { extract_with "$encoder" "$tap" "$weights" "$features" "$@"; }

# extract_vad SET...: speech activity, beside the features.
extract_vad() { extract_with vad "" "" "$feats/vad" "$@"; }

# extract_with ENCODER TAP WEIGHTS FEATURES SET...: TAP and WEIGHTS may be empty.
extract_with() {
  local encoder=$1 tap=$2 weights=$3 features=$4 set
  for set in "${@:5}"; do
    cmd=$device_cmd stage.py --out "$features/$set" --force "$force" --input "$manifests/$set" ${weights:+--input "$weights"} \
      --nj "$nj" -- \
      mimidiar feats extract "$manifests/$set" "$features/$set" --encoder "$encoder" ${tap:+--tap "$tap"} \
      ${weights:+--checkpoint "$weights"} --device "$device" ${bits:+--compress}
  done
}

# prepare_sounds: the corpora that the options musan and rirs name, if they do.
prepare_sounds() {
  local name
  for name in musan rirs; do
    if [[ -n ${!name:-} ]]; then
      stage.py --out "$manifests/$name" --force "$force" --input "${!name}" -- \
        mimidiar data prepare "$name" "$manifests/$name" --corpus "${!name}" --set "skip_missing=${skip_missing:-false}"
    fi
  done
}

# find_sounds [PART]: the options that name these sounds into `sounds` (of MUSAN the set PART, else all of it), and their inputs
# into `sound_inputs`.
find_sounds() {
  sounds=() sound_inputs=()
  if [[ -n ${musan:-} ]]; then sounds+=(--noise "$manifests/musan${1:+/$1}") sound_inputs+=(--input "$manifests/musan"); fi
  if [[ -n ${rirs:-} ]]; then sounds+=(--rirs "$manifests/rirs/rirs_sim_rir") sound_inputs+=(--input "$manifests/rirs"); fi
}

# find_trials: the names of the trial sets of the corpus into `trials`.
find_trials() {
  local folder
  trials=()
  for folder in "$manifests"/trials_*; do if [[ -d $folder ]]; then trials+=("${folder##*/}"); fi; done
  if (( ${#trials[@]} == 0 && stage > 1 )); then
    echo "run.sh: error: no trials in $manifests; run stage 1 first (--stage 1): it comes before stage $stage" >&2
    exit 1
  fi
}

# train_adapter SET... -- SET...: train on the sets before `--`, together; those after it are the validation sets. With
# `train_options`, and `train_inputs` besides for the stage.
config=$train_config train_options=() train_inputs=()
train_adapter() {
  local set kind=--train inputs=("${train_inputs[@]}") folders=()
  for set in "$@"; do
    if [[ $set == -- ]]; then kind=--dev; continue; fi
    inputs+=(--input "$features/$set" --input "$manifests/$set") folders+=("$kind" "$manifests/$set" "$features/$set")
  done
  cmd=$train_cmd stage.py --out "$dir/model" --force "$force" "${inputs[@]}" --input "$config" -- \
    mimidiar train "$dir/model" "${folders[@]}" --config "$config" --seed "$seed" "${train_on[@]}" "${train_options[@]}"
}

# train_probe FOLDER SET CONFIG [FEATURES]: a linear probe of SET's speakers.
train_probe() {
  local features=${4:-$features}
  stage.py --out "$1" --force "$force" --input "$manifests/$2" --input "$features/$2" --input "$3" -- \
    mimidiar study probe "$manifests/$2" "$features/$2" "$1" --config "$3" --seed "$seed"
}

# score_probes SET NAME...: trials of SET by these probes; the system is called by what stands before _ in NAME.
score_probes() {
  local set=$1 probe
  for probe in "${@:2}"; do
    score_trials "$set" "$dir/$set/${probe%%_*}" "$seed" "$dir/probes/$probe" -- --probe "$dir/probes/$probe/model.safetensors"
  done
}

# score_poolings SET: by cosine, over all frames, as in the original study; over speech; over speech less the mean of `train`.
score_poolings() {
  local out=$exp/$experiment/$1
  score_trials "$1" "$out/all" 0 -- --pooling all
  score_trials "$1" "$out/speech" 0 -- --pooling speech
  if [[ ! -d $manifests/train ]]; then return; fi
  score_trials "$1" "$out/centred" 0 "$manifests/train" "$features/train" -- \
    --pooling speech --centre "$manifests/train" "$features/train"
}

# score_trials SET OUT SEED INPUT... -- OPTION...: scores of SET's trials by cosine with these options, their EER, and its
# record: the system is called after the recipe, the last part of OUT, and the experiment.
score_trials() {
  local set=$1 out=$2 seed=$3 inputs=(--input "$manifests/$1" --input "$features/$1")
  shift 3
  while [[ $1 != -- ]]; do inputs+=(--input "$1"); shift; done
  stage.py --out "$out" --force "$force" "${inputs[@]}" -- \
    mimidiar study embed "$manifests/$set" "$features/$set" "$out" "${@:2}" ::: \
    mimidiar verify "$out/scores" "$manifests/$set/trials" -o "$out" ::: \
    mimidiar table record "$out" --system "$recipe-${out##*/}-$label" --set "$set" --protocol trials --seed "$seed"
}

# infer_and_tune SET...: posteriors of these sets; the post-processing is tuned on the first.
infer_and_tune() {
  local set
  for set in "$@"; do
    stage.py --out "$dir/$set/posteriors" --force "$force" --input "$dir/model" --input "$features/$set" --nj "$nj" -- \
      mimidiar eval infer "$dir/model/model.safetensors" "$features/$set" "$dir/$set/posteriors" --window-sec "$window_sec"
  done
  tune_on "$1"
}

tune_on() {
  stage.py --out "$dir/tuned" --force "$force" --input "$dir/$1/posteriors" --input "$manifests/$1" -- \
    mimidiar eval tune "$dir/$1/posteriors" "$manifests/$1" "$dir/tuned"
}

# scoring SET OUT: adds to `commands` the scoring of OUT/hyp.rttm, without and with a collar.
scoring() {
  commands+=(::: mimidiar score "$manifests/$1/ref.rttm" "$2/hyp.rttm" --uem "$manifests/$1/all.uem" --collar 0 --collar 0.25 \
    -o "$2")
}

# score_posteriors SET: binarized with what was tuned, and scored.
score_posteriors() {
  local out=$dir/$1/scores posteriors=$dir/$1/posteriors
  local commands=(mimidiar eval binarize "$posteriors" "$out" --tuned "$dir/tuned/tuned.yaml")
  scoring "$1" "$out"
  stage.py --out "$out" --force "$force" --input "$manifests/$1" --input "$dir/tuned" --input "$posteriors" -- \
    "${commands[@]}" ::: \
    mimidiar table record "$out"/{collar0,collar0.25} --system "$recipe-$label" --set "$1" --seed "$seed"
  if [[ $original_metric != true ]]; then return; fi
  stage.py --out "$out/ancestor" --force "$force" --input "$manifests/$1" --input "$posteriors" -- \
    mimidiar study original-metric "$posteriors" "$manifests/$1" "$out/ancestor" ::: \
    mimidiar table record "$out/ancestor" --system "$recipe-$label" --set "$1" --seed "$seed"
}

# score_sets SET...: posteriors, post-processing tuned on the first set, and scores of the others.
score_sets() {
  local set
  infer_and_tune "$@"
  for set in "${@:2}"; do score_posteriors "$set"; done
}

# score_baselines SET...: the trivial baselines.
score_baselines() {
  local set out kind commands
  for set in "$@"; do
    out=$baselines/$set commands=()
    for kind in always-one oracle-vad-one random-order; do
      commands+=(${commands:+:::} mimidiar eval baseline "$kind" "$manifests/$set/ref.rttm" \
        --uem "$manifests/$set/all.uem" -o "$out/$kind/hyp.rttm")
      scoring "$set" "$out/$kind"
      commands+=(::: mimidiar table record "$out/$kind"/{collar0,collar0.25} --system "floor-$kind" --set "$set")
    done
    stage.py --out "$out" --force "$force" --input "$manifests/$set" -- "${commands[@]}"
  done
}

# report: the recipe's table of this experiment, the trivial baselines and the folders `report_also`; with --record the records
# of the first two are kept in results/, and all tables made again.
report_also=()
report() {
  local folders=("$exp/$experiment" "${report_also[@]}") table=(../conf/table.yaml --only "$recipe")
  if [[ -f conf/table.yaml ]]; then table=(conf/table.yaml); fi
  if [[ -d $baselines ]]; then folders+=("$baselines"); fi
  mimidiar report "${table[@]}" "${folders[@]/#/--results=}" --allow-dirty
  if [[ $record != true ]]; then return; fi
  mimidiar table publish "$exp/$experiment" -o results
  if [[ -d $baselines ]]; then mimidiar table publish "$baselines" -o ../floors/results; fi
  "$MIMIDIAR_ROOT/egs/paper/run.sh"
}

# shellcheck disable=SC1091
. ../local/corpus.sh
