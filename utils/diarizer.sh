# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the diarizer recipe after recipe.sh: systems that differ in one thing each, from their features to a file that
# `mimidiar diarize` reads.
#
#   fusion          the codec and likeness to the voices that the speaker encoder hears (models/fusion.py)
#   plain           as fusion, trained on talks without noise, rooms, bands and levels
#   untrained       as fusion, with the untrained codec
#   distil          the codec alone that was also taught what a speaker encoder hears (../codec/conf/distil.yaml); voices of the
#                   recording by a linear probe of its frames
#   mimi            as distil, with the codec of fusion
#   random          as distil, with the untrained codec

pool=$exp/pool
mimi_root=${feats%/*}
mimi_encoder=$encoder mimi_tap=$tap mimi_checkpoint=$checkpoint base_feats=$feats
read -ra systems <<< "$systems"

# each_system COMMAND...: for each system of `systems`, with its codec, its features, its options and its folder.
each_system() {
  local system encoder checkpoint mimi_feats feats train_options fused dir name
  for system in "${systems[@]}"; do
    encoder=$mimi_encoder checkpoint=$mimi_checkpoint mimi_feats=$base_feats fused=true train_options=()
    case $system in
      fusion | mimi) ;;
      plain) train_options=(--set talks.scene=null) ;;
      untrained | random) encoder=mimi-random checkpoint='' mimi_feats=$mimi_root/$encoder${tap:+.$tap} ;;
      distil)
        encoder=mimi-mini-distil checkpoint=$(shipped_weights mimi-mini-distil) mimi_feats=$mimi_root/$encoder${tap:+.$tap}
        ;;
      *) echo "run.sh: error: no system '$system'; choose among fusion plain untrained distil mimi random" >&2; exit 1 ;;
    esac
    feats=$mimi_feats+$speaker.$speaker_tap
    # Without anybody's voices to compare, channels mean nothing until deep clustering has them tell speakers apart.
    if [[ $system == distil || $system == mimi || $system == random ]]; then
      fused=false feats=$mimi_feats train_options+=(--set fusion=null --set clustering_weight=1.0)
    fi
    dir=$exp/$tag/seed$seed/$system name=$system-${tag//./-}
    "$@"
  done
}

# draw_talks: those that are tuned on.
draw_talks() {
  stage.py --out "$data/talk_dev" --force "$force" --input "$data/dev" --input "$talk_config" --input "$turns" -- \
    mimidiar talk "$data" "$data" --config "$talk_config" --turns "$turns"
}

# extract_system TRAIN DEV: of DEV what the model reads; of TRAIN what the probe does, where there is one.
extract_system() {
  extract_with "$encoder" "$mimi_tap" "$checkpoint" "$mimi_feats" "$2"
  if [[ $fused == false ]]; then extract_with "$encoder" "$mimi_tap" "$checkpoint" "$mimi_feats" "$1"; return; fi
  local voices=$mimi_root/$speaker.$speaker_tap
  extract_with "$speaker" "$speaker_tap" "$speaker_checkpoint" "$voices" "$2"
  stage.py --out "$feats/$2" --force "$force" --input "$mimi_feats/$2" --input "$voices/$2" -- \
    mimidiar fuse "$mimi_feats/$2" "$voices/$2" "$feats/$2"
}

# train_on_talks TRAIN DEV: on talks of TRAIN's speakers, watched on DEV; and the probe, where voices are the codec's.
train_on_talks() {
  local machine=$cmd
  if (( ngpu > 0 )); then machine="$cuda_cmd --gpu $ngpu"; fi
  cmd="$machine --cpus $(( processes * (1 + loaders) ))" stage.py --out "$dir/model" --force "$force" \
    --input "$data/$1" --input "$data/$2" --input "$feats/$2" --input "$train_config" --input "$turns" \
    ${checkpoint:+--input "$checkpoint"} -- \
    mimidiar train "$dir/model" --talks "$data/$1" --turns "$turns" --pool "$pool" --dev "$data/$2" "$feats/$2" \
    --config "$train_config" --seed "$seed" ${checkpoint:+--checkpoint "$checkpoint"} --device "$device" \
    --processes "$processes" --num-workers "$loaders" "${train_options[@]}"
  if [[ $fused == false ]]; then
    stage.py --out "$dir/probe" --force "$force" --input "$data/$1" --input "$feats/$1" --input "$probe_config" -- \
      mimidiar probe "$data/$1" "$feats/$1" "$dir/probe" --config "$probe_config" --seed "$seed"
  fi
}

# tune_diarizer DEV: linking and post-processing, and the diarizer in one file.
tune_diarizer() {
  local model=$dir/model/model.safetensors windows=$dir/windows/$1 probe=() voices=(--voices "$mimi_root/$speaker.$speaker_tap/$1")
  if [[ $fused == false ]]; then
    probe=(--probe "$dir/probe/model.safetensors") voices=(--voices "$feats/$1" "${probe[@]}")
  fi
  stage.py --out "$windows" --force "$force" --input "$dir/model" --input "$feats/$1" --nj "$nj" -- \
    mimidiar infer "$model" "$feats/$1" "$windows" --window-sec "$window_sec" --hop-sec "$hop_sec" --local
  stage.py --out "$dir/tuned" --force "$force" --input "$windows" --input "$data/$1" "${probe[@]/--probe/--input}" -- \
    mimidiar link tune "$windows" "$data/$1" "$dir/tuned/linking" "${voices[@]}" ::: \
    mimidiar link run "$windows" "$dir/tuned/posteriors" "${voices[@]}" --tuned "$dir/tuned/linking/tuned.yaml" ::: \
    mimidiar tune "$dir/tuned/posteriors" "$data/$1" "$dir/tuned/decision"
  stage.py --out "$dir/diarizer" --force "$force" --input "$dir/model" --input "$dir/tuned" "${probe[@]/--probe/--input}" -- \
    mimidiar bundle "$model" "$dir/diarizer/$system.safetensors" --linking "$dir/tuned/linking/tuned.yaml" \
    --decision "$dir/tuned/decision/tuned.yaml" "${probe[@]}" --window-sec "$window_sec" --hop-sec "$hop_sec" --half
}

# score_diarizer DEV SET...: the file, as its users run it, on these sets.
score_diarizer() {
  local set out file=$dir/diarizer/$system.safetensors
  tune_diarizer "$1"
  for set in "${@:2}"; do
    out=$dir/$set
    local commands=(mimidiar bench "$data/$set" "$out" --rounds 1 --weights "$system" "$file" --system "$system" \
      "mimidiar diarize --device $device --model $(printf %q "$file") ${checkpoint:+--checkpoint $(printf %q "$checkpoint")} -o {out} {files}")
    scoring "$set" "$out/$system"
    stage.py --out "$out" --force "$force" --input "$data/$set" --input "$dir/diarizer" -- "${commands[@]}" ::: \
      mimidiar record "$out/$system"/{collar0,collar0.25} --system "diarizer-$name" --set "$set" --seed "$seed"
  done
  for set in "${@:2}"; do score_floors "$set"; done
}

# ship_diarizers: into the package, where that is asked for; with the records of what was scored, and beside it of the ablations.
ship_diarizers() {
  if [[ $ship != true ]]; then return; fi
  ship_diarizer fusion mini-fusion plain untrained
  ship_diarizer distil mini mimi random
}

# ship_diarizer SYSTEM NAME OTHER...
ship_diarizer() {
  local system=$1 name=$2 other beside=() folder=$exp/$tag/seed$seed
  for other in "${@:3}"; do
    if [[ -d $folder/$other ]]; then beside+=(--beside "$folder/$other"); fi
  done
  mimidiar ship "$folder/$system/diarizer/$system.safetensors" "$name" \
    --card "conf/$system.md" --results "$folder/$system" "${beside[@]}"
}
