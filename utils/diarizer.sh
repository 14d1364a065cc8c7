# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the diarizer recipe after fusion.sh: systems that differ in one thing each (conf/systems.yaml), from their features
# to a file that `mimidiar diarize` reads.

if [[ $models != trained && $models != shipped ]]; then
  echo "run.sh: error: --models $models: choose trained or shipped" >&2
  exit 1
fi
base_features=$codec_features

# Derives the codec of the system, the features of its model, and the embeddings that are clustered: those of the speaker encoder,
# or a linear probe of the codec's frames.
use_system() {
  codec_encoder=${codec_name:-$encoder} codec_features=$base_features train_options=("${options[@]}")
  if [[ -n $codec_name ]]; then weights=$(shipped_weights "$codec_name") codec_features=$feats/$codec_name${tap:+.$tap}; fi
  features=$codec_features+$speaker.$speaker_tap probe=''
  if [[ $input == codec ]]; then features=$codec_features probe=$dir/probe; fi
}

# draw_conversations: the validation and tuning set.
draw_conversations() {
  stage.py --out "$manifests/talk_dev" --force "$force" --input "$manifests/dev" --input "$talk_config" --input "$turns" -- \
    mimidiar data simulate-turns "$manifests" "$manifests" --config "$talk_config" --turns "$turns"
}

# extract_system TRAIN DEV: the features of DEV for the model, and its speech activity; the features of TRAIN for a probe.
extract_system() {
  extract_vad "$2"
  extract_with "$codec_encoder" "$tap" "$weights" "$codec_features" "$2"
  if [[ -n $probe ]]; then extract_with "$codec_encoder" "$tap" "$weights" "$codec_features" "$1"; return; fi
  extract_with "$speaker" "$speaker_tap" "$speaker_weights" "$speaker_features" "$2"
  fuse "$codec_features" "$features" "$2"
}

# train_system TRAIN DEV: on simulated conversations of TRAIN's speakers, with DEV as validation set; and the probe.
train_system() {
  if [[ $models == shipped ]]; then take_shipped; return; fi
  cmd=$train_cmd stage.py --out "$dir/model" --force "$force" \
    --input "$manifests/$1" --input "$manifests/$2" --input "$features/$2" --input "$train_config" --input "$turns" \
    ${weights:+--input "$weights"} -- \
    mimidiar train "$dir/model" --talks "$manifests/$1" --turns "$turns" --pool "$exp/pool" \
    --dev "$manifests/$2" "$features/$2" --config "$train_config" --seed "$seed" ${weights:+--checkpoint "$weights"} \
    "${train_on[@]}" "${train_options[@]}"
  if [[ -n $probe ]]; then train_probe "$probe" "$1" "$probe_config"; fi
}

# take_shipped: the model and the probe of the diarizer that comes with the package, in the place of trained ones.
take_shipped() {
  local file
  file=$(shipped_weights "$shipped")
  if [[ -z $file ]]; then
    echo "run.sh: error: system '$system' does not come with the package; name those that do (--systems \"fusion distil\")" >&2
    exit 1
  fi
  stage.py --out "$dir/model" ${probe:+--also "$probe"} --force "$force" --input "$file" -- \
    local/unbundle.py "$file" "$dir/model" ${probe:+"$probe"}
}

# tune_diarizer DEV: clustering and post-processing, and the diarizer in one file.
tune_diarizer() {
  local model=$dir/model/model.safetensors windows=$dir/windows/$1 vad=$feats/vad/$1
  local inputs=(--input "$vad") by=() embeddings=(--embeddings "$speaker_features/$1")
  if [[ -n $probe ]]; then
    inputs+=(--input "$probe/model.safetensors") by=(--probe "$probe/model.safetensors")
    embeddings=(--embeddings "$features/$1" "${by[@]}")
  fi
  embeddings+=(--vad "$vad")
  stage.py --out "$windows" --force "$force" --input "$dir/model" --input "$features/$1" --nj "$nj" -- \
    mimidiar eval infer "$model" "$features/$1" "$windows" --window-sec "$window_sec" --hop-sec "$hop_sec" --local
  stage.py --out "$dir/tuned" --force "$force" --input "$windows" --input "$manifests/$1" "${inputs[@]}" -- \
    mimidiar eval cluster tune "$windows" "$manifests/$1" "$dir/tuned/linking" "${embeddings[@]}" ::: \
    mimidiar eval cluster run "$windows" "$dir/tuned/posteriors" "${embeddings[@]}" \
    --tuned "$dir/tuned/linking/tuned.yaml" ::: \
    mimidiar eval tune "$dir/tuned/posteriors" "$manifests/$1" "$dir/tuned/decision"
  if [[ $allow_worse == true ]]; then by+=(--allow-worse); fi
  stage.py --out "$dir/diarizer" --force "$force" --input "$dir/model" --input "$dir/tuned" "${inputs[@]}" -- \
    mimidiar model bundle "$model" "$dir/diarizer/$system.safetensors" --clustering "$dir/tuned/linking/tuned.yaml" \
    --binarization "$dir/tuned/decision/tuned.yaml" "${by[@]}" --window-sec "$window_sec" --hop-sec "$hop_sec" --half
}

# score_diarizer DEV SET...: tunes on DEV, and scores the file on the other sets, run as its users run it.
score_diarizer() {
  local set out commands file=$dir/diarizer/$system.safetensors run
  tune_diarizer "$1"
  run="mimidiar diarize --device $device --model $(printf %q "$file") ${weights:+--checkpoint $(printf %q "$weights")}"
  for set in "${@:2}"; do
    out=$dir/$set
    commands=(mimidiar study bench "$manifests/$set" "$out" --rounds 1 --weights "$system" "$file" --system "$system" \
      "$run -o {out} {files}")
    scoring "$set" "$out/$system"
    stage.py --out "$out" --force "$force" --input "$manifests/$set" --input "$dir/diarizer" -- "${commands[@]}" ::: \
      mimidiar table record "$out/$system"/{collar0,collar0.25} --system "diarizer-$label" --set "$set" --seed "$seed"
  done
}

# ship_diarizer: a system that belongs into the package goes there, with the records of its scores, and of its ablations beside.
ship_diarizer() {
  local other beside=()
  if [[ -z $shipped ]]; then return; fi
  for other in "${ablations[@]}"; do
    if [[ -d ${dir%/*}/$other ]]; then beside+=(--beside "${dir%/*}/$other"); fi
  done
  mimidiar model ship "$dir/diarizer/$system.safetensors" "$shipped" --card "conf/$system.md" --results "$dir" "${beside[@]}"
}
