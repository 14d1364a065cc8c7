# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the unfreeze recipes after recipe.sh: the variants that are compared, each with the same data and seed.
#
#   further      the adapter of ../adapter, trained on as long as the others, the codec frozen: what more training does
#   warm         the same, with the codec's upper layers trained as well
#   scratch      those layers with a fresh adapter, as the ancestor had it
#   near-weak, near-medium, near-strong   warm, the latent's distance from the frozen codec's in the loss by 0.1, 1, 10
#
# Features are those of the last tap that stays as it is, so that only what changes is computed.

read -ra variants <<< "$variants"
decode_sec=${decode_sec:-60}
# Unless it is named: where experiments lie in <place>/unfreeze/exp, those of the adapter lie in <place>/adapter/exp.
exp2_exp=${adapter_exp:-../adapter/exp}
if [[ -z ${adapter_exp:-} && $exp == */unfreeze/exp ]]; then exp2_exp=${exp%/unfreeze/exp}/adapter/exp; fi
exp2_model=$exp2_exp/$tag/seed$seed/model
# What ../adapter must be told besides of the data set.
exp2_options=()

codebooks=
if [[ $encoder == mimi-random* ]]; then codebooks=$exp/$tag/codebooks; fi

# exp2 STAGE: a stage of ../adapter, whose model is where training starts and what it is compared with.
exp2() {
  ../adapter/run.sh --stage "$1" --stop-stage "$1" --nj "$nj" --ngpu "$ngpu" --force "$force" --tag "$tag" --seed "$seed" \
    --encoder "$encoder" --checkpoint "$(beside adapter "$checkpoint")" --data "$(beside adapter "$data")" \
    --feats "$(beside adapter "${feats%/*}")" --exp "$(beside adapter "$exp2_exp")" --train-config "$adapter_config" --window-sec "$window_sec" \
    --sim-config "$(beside adapter "$sim_config")" "${exp2_options[@]}"
}

# fill_codebooks SET: an untrained codec has empty ones, and would give the same token whatever it hears.
fill_codebooks() {
  if [[ -z $codebooks ]]; then return; fi
  stage.py --out "$codebooks" --force "$force" --input "$feats/$1" -- mimidiar codebooks "$feats/$1" "$codebooks"
}

# each_variant COMMAND...: for each of `variants` with its options and its folder, --nj of them at a time, on a GPU one by one.
each_variant() {
  local variant failed=0 most=$nj
  if (( ngpu > 0 )); then most=1; fi
  for variant in "${variants[@]}"; do
    while (( $(jobs -rp | wc -l) >= most )); do wait -n || failed=1; done
    one_variant "$@" &
  done
  while [[ -n $(jobs -p) ]]; do wait -n || failed=1; done
  return "$failed"
}

one_variant() {
  local nj=1 dir=$exp/$tag/seed$seed/$variant name=$variant-${tag//./-}
  local start=(--start-from "$exp2_model/model.safetensors") near=(--set unfreeze.near_weight)
  train_inputs=(--input "$exp2_model") train_options=()
  case $variant in
    further) train_options=("${start[@]}" --set "unfreeze.learning_rate=0") ;;
    warm) train_options=("${start[@]}") ;;
    scratch) train_config=$scratch_config train_inputs=() ;;
    near-weak) train_options=("${start[@]}" "${near[@]}=0.1") ;;
    near-medium) train_options=("${start[@]}" "${near[@]}=1") ;;
    near-strong) train_options=("${start[@]}" "${near[@]}=10") ;;
    *)
      echo "run.sh: error: no variant '$variant'; choose among further warm scratch near-weak near-medium near-strong" >&2
      exit 1
      ;;
  esac
  if [[ -n $checkpoint ]]; then train_inputs+=(--input "$checkpoint") train_options+=(--checkpoint "$checkpoint"); fi
  "$@"
}

# score_sets SET...: posteriors, tuned on the first set, scores of the others, and how far the codec has drifted on them.
score_sets() {
  local set
  infer_and_tune "$@"
  for set in "${@:2}"; do
    score_posteriors "$set"
    stage.py --out "$dir/$set/drift" --force "$force" --input "$dir/model" --input "$data/$set" --input "$feats/$set" \
      ${codebooks:+--input "$codebooks"} ${checkpoint:+--input "$checkpoint"} -- \
      mimidiar drift "$dir/model/model.safetensors" "$data/$set" "$feats/$set" "$dir/$set/drift" --decode-sec "$decode_sec" \
      ${codebooks:+--codebooks "$codebooks/codebooks.safetensors"} ${checkpoint:+--checkpoint "$checkpoint"} ::: \
      mimidiar record "$dir/$set/drift" --system "unfreeze-$name" --set "$set" --seed "$seed"
  done
}

# draw_tradeoff: DER against token drift, one figure with a panel for each set that was scored.
draw_tradeoff() {
  local out=$exp/$tag/tradeoff
  mkdir -p "$out"
  mimidiar report ../conf/table.yaml --only unfreeze "--results=$exp/$tag" "--results=$exp2_exp/$tag" --allow-dirty \
    --format json -o "$out/tradeoff.json"
  mimidiar figure tradeoff "$out/tradeoff.json" -o "$out/tradeoff"
}
