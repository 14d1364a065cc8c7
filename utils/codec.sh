# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the codec recipe after recipe.sh: training, export and evaluation of a small Mimi, and evaluation of the untrained one
# of the same size and architecture.

distils=false
if grep -q '^distillation:' "$train_config"; then distils=true; fi
if [[ $distils == true && -z $tag ]]; then name_experiment "$experiment-distil"; fi
# On a CPU as many processes train as there are jobs: their batches are one, so that the result is the same but for rounding.
if (( ngpu == 0 )); then train_on=(--device cpu --processes "$nj" --num-workers 0); fi
# Distillation starts from a trained codec: the plain one of this seed.
targets='' start=$start_from
if [[ $distils == true ]]; then
  targets=$feats/campplus.$speaker_tap start=${start:-$exp/mimi-mini/seed$seed/model/model.safetensors}
fi
weights=$dir/export/$experiment.safetensors
features=$dir/feats

# extract_targets SET: the speaker embeddings that the latent has to predict.
extract_targets() { if [[ -n $targets ]]; then extract_with campplus "$speaker_tap" "" "$targets" "$1"; fi; }

# train_codec SET: on SET's utterances; the weights are exported.
train_codec() {
  if [[ -n $start && ! -f $start ]]; then
    echo "run.sh: error: $start, where training starts, is not there; train the plain codec of seed $seed first" >&2
    exit 1
  fi
  cmd=$train_cmd stage.py --out "$dir/model" --force "$force" --input "$manifests/$1" ${targets:+--input "$targets/$1"} \
    ${start:+--input "$start"} --input "$train_config" -- \
    mimidiar study codec train "$dir/model" --train "$manifests/$1" ${targets:+--targets "$targets/$1"} \
    ${start:+--start-from "$start"} --config "$train_config" --seed "$seed" "${train_on[@]}"
  stage.py --out "$dir/export" --force "$force" --input "$dir/model" -- \
    mimidiar study codec export "$dir/model/model.safetensors" "$weights"
}

# untrained COMMAND...: with the untrained codec in the place of the trained one.
untrained() {
  local encoder=mimi-random weights='' features=$feats/mimi-random dir=$exp/mimi-random label=mimi-random seed=0
  "$@"
}

# judge SET TRIALS...: the decoded audio of SET, and the trials of TRIALS by the pooled latent.
judge() {
  local set
  score_sound "$1"
  extract_features train "${@:2}"
  for set in "${@:2}"; do score_latent "$set"; done
}

# score_sound SET: the decoded audio without the quantizer, and with one and all codebooks unless they are empty.
score_sound() {
  local out=$dir/$1/sound number options=() ways=(unquantized)
  if [[ -n $weights ]]; then
    for number in 1 8; do options+=(--codebooks "$number") ways+=("quantized$number"); done
  fi
  stage.py --out "$out" --force "$force" --input "$manifests/$1" ${weights:+--input "$weights"} -- \
    mimidiar study codec reconstruct "$manifests/$1" "$out" --encoder "$encoder" ${weights:+--checkpoint "$weights"} \
    "${options[@]}" --examples "$examples" ::: \
    mimidiar table record "${ways[@]/#/$out/}" --system "codec-$label" --set "$1" --seed "$seed"
}

# score_latent SET: pooled over all frames, as in the original study; and over speech, less the mean of the training set.
score_latent() {
  local out=$dir/$1 pooling options
  for pooling in all centred; do
    options=(--pooling "$pooling")
    if [[ $pooling == centred ]]; then options=(--pooling speech --centre "$manifests/train" "$features/train"); fi
    stage.py --out "$out/$pooling" --force "$force" --input "$manifests/$1" --input "$features/$1" --input "$manifests/train" \
      --input "$features/train" -- \
      mimidiar study embed "$manifests/$1" "$features/$1" "$out/$pooling" "${options[@]}" ::: \
      mimidiar verify "$out/$pooling/scores" "$manifests/$1/trials" -o "$out/$pooling" ::: \
      mimidiar table record "$out/$pooling" --system "codec-$label" --set "$1" --seed "$seed"
  done
}

# report_both: the table of both codecs; with --record the untrained one's records are kept first.
report_both() {
  if [[ $record == true ]]; then mimidiar table publish "$exp/mimi-random" -o results; fi
  report_also=("$exp/mimi-random")
  report
}

# draw_curves: losses over the epochs.
draw_curves() { mimidiar figure training "$dir/model" -o "$dir/curves"; }
