# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the codec recipe in the place of recipe.sh: a small Mimi is trained, shipped, and judged as it is shipped; beside
# it the untrained one of the same size and architecture.

distils=false
if grep -q '^distillation:' "$train_config"; then distils=true; fi
if [[ -z $tag ]]; then
  tag=mimi-mini
  if [[ $distils == true ]]; then tag+=-distil; fi
fi
all_feats=$feats
. recipe.sh
# On a CPU as many processes train as there are jobs: their batches are one, so that the result is the same but for rounding.
if (( ngpu == 0 )); then train_on=(--device cpu --processes "$nj" --num-workers 0); fi
# The speaker's embedding is told by a codec that is trained already, the plain one of this seed.
targets=
if [[ $distils == true ]]; then
  targets=$all_feats/campplus.$speaker_tap start_from=${start_from:-$exp/mimi-mini/seed$seed/model/model.safetensors}
fi
checkpoint=$dir/export/$tag.safetensors
feats=$dir/feats

# extract_targets SET: the speaker embeddings that the latent is to tell.
extract_targets() { if [[ -n $targets ]]; then extract_with campplus "$speaker_tap" "" "$targets" "$1"; fi; }

# train_codec SET: on SET's utterances; the weights as they are shipped.
train_codec() {
  if [[ -n $start_from && ! -f $start_from ]]; then
    echo "run.sh: error: $start_from, where training starts, is not there; train the plain codec of seed $seed first" >&2
    exit 1
  fi
  cmd=$train_cmd stage.py --out "$dir/model" --force "$force" --input "$data/$1" ${targets:+--input "$targets/$1"} \
    ${start_from:+--input "$start_from"} --input "$train_config" -- \
    mimidiar codec train "$dir/model" --train "$data/$1" ${targets:+--targets "$targets/$1"} \
    ${start_from:+--start-from "$start_from"} --config "$train_config" --seed "$seed" "${train_on[@]}"
  stage.py --out "$dir/export" --force "$force" --input "$dir/model" -- \
    mimidiar codec export "$dir/model/model.safetensors" "$checkpoint"
}

# untrained COMMAND...: with the untrained codec in the place of the trained one.
untrained() {
  local encoder=mimi-random checkpoint='' feats=$all_feats/mimi-random dir=$exp/mimi-random name=mimi-random seed=0
  "$@"
}

# judge SET TRIALS...: the sound of SET; the trials of TRIALS by the pooled latent.
judge() {
  local set
  score_sound "$1"
  extract_features train "${@:2}"
  for set in "${@:2}"; do score_voices "$set"; done
}

# score_sound SET: what the codec decodes, around the codebooks, and from one of them and all, unless they are empty.
score_sound() {
  local out=$dir/$1/sound number options=() ways=(unquantized)
  if [[ -n $checkpoint ]]; then
    for number in 1 8; do options+=(--codebooks "$number") ways+=("quantized$number"); done
  fi
  stage.py --out "$out" --force "$force" --input "$data/$1" ${checkpoint:+--input "$checkpoint"} -- \
    mimidiar codec reconstruct "$data/$1" "$out" --encoder "$encoder" ${checkpoint:+--checkpoint "$checkpoint"} \
    "${options[@]}" --examples "$examples" ::: \
    mimidiar record "${ways[@]/#/$out/}" --system "codec-$name" --set "$1" --seed "$seed"
}

# score_voices SET: pooled over all frames, as the ancestor did; and over speech, less the mean of the training set.
score_voices() {
  local out=$dir/$1 pooling options
  for pooling in all centred; do
    options=(--pooling "$pooling")
    if [[ $pooling == centred ]]; then options=(--pooling speech --centre "$data/train" "$feats/train"); fi
    stage.py --out "$out/$pooling" --force "$force" --input "$data/$1" --input "$feats/$1" --input "$data/train" \
      --input "$feats/train" -- \
      mimidiar embed "$data/$1" "$feats/$1" "$out/$pooling" "${options[@]}" ::: \
      mimidiar verify "$out/$pooling/scores" "$data/$1/trials" -o "$out/$pooling" ::: \
      mimidiar record "$out/$pooling" --system "codec-$name" --set "$1" --seed "$seed"
  done
}

# report_both: the table of both codecs; with --record the untrained one's records are kept first.
report_both() {
  if [[ $record == true ]]; then mimidiar publish "$exp/mimi-random" -o results; fi
  report_also=("$exp/mimi-random")
  report
}

# draw_curves: losses over the epochs.
draw_curves() { mimidiar figure training "$dir/model" -o "$dir/curves"; }
