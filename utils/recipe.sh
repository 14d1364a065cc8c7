# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by a recipe after its options and stages.sh: where its features and experiments lie, and the stages that recipes of
# every dataset share. What one dataset alone needs (download, preparation, simulation) is in its local/corpus.sh.

# Features in 16 bits are beside the others, and so is what is trained on them.
bits=
if [[ ${compress:-false} == true ]]; then bits=-16bit; fi
# Other weights of the small Mimi than those that are shipped are in the names, as their file is called: mimi-mini-distil.
called=$encoder
if [[ $encoder == mimi-mini && ${checkpoint##*/} == mimi-mini-*.safetensors ]]; then
  called=${checkpoint##*/} called=${called%.safetensors}
fi
feats=$feats/$called${tap:+.$tap}$bits
# Recorded sounds that were named, and sentences that several speakers read, are in the name, as they change what is trained.
default_tag=$called${tag_tap-${tap:+.$tap}}${texts:+-texts}${musan:+-musan}${rirs:+-rirs}$bits tag=${tag:-$default_tag}
dir=$exp/$tag/seed$seed
# The weights are an input of the features; a variable that only the encoder read would not be in their key.
if [[ $encoder == mimi ]]; then checkpoint=${checkpoint:-${MIMI_CHECKPOINT:-}}; fi
# shipped_weights ENCODER: the file that it reads where no other is named, if it comes with the package.
shipped_weights() {
  local file=$MIMIDIAR_ROOT/mimidiar/assets/$1.safetensors
  if [[ -f $file ]]; then echo "$file"; fi
}
checkpoint=${checkpoint:-$(shipped_weights "$encoder")}
# A GPU's results differ from a CPU's in the last digits; which one it was is in the logs.
device=cpu device_cmd=$cmd train_cmd=$cmd processes=1 num_workers=0
if (( ngpu > 0 )); then
  # One process trains on each GPU, fed by its part of --nj loaders: on a CPU loading takes no time, beside a GPU it does.
  device=cuda device_cmd=$cuda_cmd processes=$ngpu num_workers=$(( (nj + ngpu - 1) / ngpu ))
  train_cmd="$cuda_cmd --gpu $ngpu --cpus $(( processes * (1 + num_workers) ))"
fi
train_on=(--device "$device" --processes "$processes" --num-workers "$num_workers")

# What recipes of a dataset share of their scores: those of systems that know nothing of voices.
floors=$(dirname "$data")/floors/exp

# The tag in names of systems, which have no dots.
name=${tag//./-}

# beside RECIPE PATH: the same path for RECIPE, in the folder beside this one. What leads out of this folder stays as it is,
# since stages are known by their commands: `../data` is the same place for both.
beside() {
  case $2 in
    "" | /*) echo "$2" ;;
    "../$1"/*) echo "${2#"../$1/"}" ;;
    ../*) echo "$2" ;;
    *) realpath -m "$2" ;;
  esac
}

# extract_features SET...: with the encoder of this recipe, to its features.
extract_features() { extract_with "$encoder" "$tap" "$checkpoint" "$feats" "$@"; }

# extract_with ENCODER TAP CHECKPOINT FEATS SET...: TAP and CHECKPOINT may be empty.
extract_with() {
  local encoder=$1 tap=$2 checkpoint=$3 feats=$4 set
  for set in "${@:5}"; do
    cmd=$device_cmd stage.py --out "$feats/$set" --force "$force" --input "$data/$set" \
      ${checkpoint:+--input "$checkpoint"} --nj "$nj" -- \
      mimidiar extract "$data/$set" "$feats/$set" --encoder "$encoder" ${tap:+--tap "$tap"} \
      ${checkpoint:+--checkpoint "$checkpoint"} --device "$device" ${bits:+--compress}
  done
}

# prepare_sounds: the corpora that the options musan and rirs name, if they do.
prepare_sounds() {
  local name
  for name in musan rirs; do
    if [[ -n ${!name:-} ]]; then
      stage.py --out "$data/$name" --force "$force" --input "${!name}" -- \
        mimidiar prepare "$name" "$data/$name" --corpus "${!name}" --set "skip_missing=${skip_missing:-false}"
    fi
  done
}

# find_sounds [PART]: puts what a command is told of these sounds into `sounds` (of MUSAN the set PART, else all of it), and
# what its stage depends on into `sound_inputs`.
find_sounds() {
  sounds=() sound_inputs=()
  if [[ -n ${musan:-} ]]; then sounds+=(--noise "$data/musan${1:+/$1}") sound_inputs+=(--input "$data/musan"); fi
  if [[ -n ${rirs:-} ]]; then sounds+=(--rirs "$data/rirs/rirs_sim_rir") sound_inputs+=(--input "$data/rirs"); fi
}

# trial_sets: puts the names of the trial sets that the corpus brought into `sets`.
trial_sets() {
  local folder
  sets=()
  for folder in "$data"/trials_*; do if [[ -d $folder ]]; then sets+=("${folder##*/}"); fi; done
  if (( ${#sets[@]} == 0 && stage > 1 )); then
    echo "run.sh: error: no trials in $data; run stage 1 first (--stage 1): it comes before stage $stage" >&2
    exit 1
  fi
}

# train_adapter SET... -- SET...: train on the sets before `--`, together, and watch those after it; with `train_options`,
# and `train_inputs` besides for the stage.
train_options=() train_inputs=()
train_adapter() {
  local set kind=--train inputs=("${train_inputs[@]}") sets=()
  for set in "$@"; do
    if [[ $set == -- ]]; then kind=--dev; continue; fi
    inputs+=(--input "$feats/$set" --input "$data/$set") sets+=("$kind" "$data/$set" "$feats/$set")
  done
  cmd=$train_cmd stage.py --out "$dir/model" --force "$force" "${inputs[@]}" --input "$train_config" -- \
    mimidiar train "$dir/model" "${sets[@]}" --config "$train_config" --seed "$seed" "${train_on[@]}" \
    "${train_options[@]}"
}

# train_probe NAME SET CONFIG: a linear probe of SET's speakers.
train_probe() {
  stage.py --out "$dir/probes/$1" --force "$force" --input "$data/$2" --input "$feats/$2" --input "$3" -- \
    mimidiar probe "$data/$2" "$feats/$2" "$dir/probes/$1" --config "$3" --seed "$seed"
}

# score_probes SET NAME...: trials of SET by these probes; the system is called by what stands before _ in NAME.
score_probes() {
  local set=$1 probe
  for probe in "${@:2}"; do
    score_trials "$set" "$dir/$set/${probe%%_*}" "$seed" "$dir/probes/$probe" -- \
      --probe "$dir/probes/$probe/model.safetensors"
  done
}

# infer_and_tune SET...: posteriors of these sets; the post-processing is tuned on the first.
infer_and_tune() {
  local set
  for set in "$@"; do
    stage.py --out "$dir/$set/posteriors" --force "$force" --input "$dir/model" --input "$feats/$set" --nj "$nj" -- \
      mimidiar infer "$dir/model/model.safetensors" "$feats/$set" "$dir/$set/posteriors" --window-sec "$window_sec"
  done
  stage.py --out "$dir/tuned" --force "$force" --input "$dir/$1/posteriors" --input "$data/$1" -- \
    mimidiar tune "$dir/$1/posteriors" "$data/$1" "$dir/tuned"
}

# score_trials SET OUT SEED INPUT... -- OPTION...: scores of SET's trials by `mimidiar embed` with these options, their EER,
# and its record: the system is called after the recipe, the last part of OUT, and the tag.
score_trials() {
  local set=$1 out=$2 seed=$3 inputs=(--input "$data/$1" --input "$feats/$1")
  shift 3
  while [[ $1 != -- ]]; do inputs+=(--input "$1"); shift; done
  stage.py --out "$out" --force "$force" "${inputs[@]}" -- \
    mimidiar embed "$data/$set" "$feats/$set" "$out" "${@:2}" ::: \
    mimidiar verify "$out/scores" "$data/$set/trials" -o "$out" ::: \
    mimidiar record "$out" --system "${PWD##*/}-${out##*/}-$name" --set "$set" --protocol trials --seed "$seed"
}

# scoring SET OUT: adds to `commands` the scoring of OUT/hyp.rttm, without and with a collar.
scoring() {
  local collar
  for collar in 0 0.25; do
    commands+=(::: mimidiar score "$data/$1/ref.rttm" "$2/hyp.rttm" --uem "$data/$1/all.uem" --collar "$collar" \
      -o "$2/collar$collar")
  done
}

# score_posteriors SET: decided with what was tuned, and scored; beside it, by the ancestor's metric.
score_posteriors() {
  local out=$dir/$1/scores
  local commands=(mimidiar decide "$dir/$1/posteriors" "$out" --tuned "$dir/tuned/tuned.yaml")
  scoring "$1" "$out"
  stage.py --out "$out" --force "$force" --input "$data/$1" --input "$dir/tuned" --input "$dir/$1/posteriors" -- \
    "${commands[@]}" ::: mimidiar ancestor-metric "$dir/$1/posteriors" "$data/$1" "$out/ancestor" ::: \
    mimidiar record "$out"/{collar0,collar0.25,ancestor} --system "${PWD##*/}-$name" --set "$1" --seed "$seed"
}

# score_floors SET: what systems score that know nothing of voices.
score_floors() {
  local out=$floors/$1 kind commands=()
  for kind in always-one oracle-vad-one random-order; do
    commands+=(${commands:+:::} mimidiar floor "$kind" "$data/$1/ref.rttm" --uem "$data/$1/all.uem" -o "$out/$kind/hyp.rttm")
    scoring "$1" "$out/$kind"
    commands+=(::: mimidiar record "$out/$kind"/{collar0,collar0.25} --system "floor-$kind" --set "$1")
  done
  stage.py --out "$out" --force "$force" --input "$data/$1" -- "${commands[@]}"
}

# report: this recipe's table of this experiment and the floors; with --record their records are kept in results/, and all
# tables made again. Records of other recipes that the table shows as well are in the folders `report_also`.
report_also=()
report() {
  local folders=("$exp/$tag" "${report_also[@]}")
  local table=(../conf/table.yaml --only "${PWD##*/}")
  if [[ -f conf/table.yaml ]]; then table=(conf/table.yaml); fi
  if [[ -d $floors ]]; then folders+=("$floors"); fi
  mimidiar report "${table[@]}" "${folders[@]/#/--results=}" --allow-dirty
  if [[ $record == true ]]; then
    mimidiar publish "$exp/$tag" -o results
    if [[ -d $floors ]]; then mimidiar publish "$floors" -o ../floors/results; fi
    "$MIMIDIAR_ROOT/egs/paper/run.sh"
  fi
}
