# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the unfreeze recipes after recipe.sh: systems that start from the adapter of ../adapter or from nothing, each with
# the same data and seed (conf/systems.yaml). Features are those of the last tap that is not trained, so that only what changes
# is computed.

# Unless it is named: where experiments lie in <place>/unfreeze/exp, those of the adapter lie in <place>/adapter/exp.
adapter_place=${adapter_exp:-../adapter/exp}
if [[ -z $adapter_exp && $exp == */unfreeze/exp ]]; then adapter_place=${exp%/unfreeze/exp}/adapter/exp; fi
adapter_dir=$adapter_place/$experiment/seed$seed
at_once=$nj
if (( ngpu > 0 )); then at_once=1; fi
codebooks=
if [[ $encoder == mimi-random* ]]; then codebooks=$exp/$experiment/codebooks; fi

# on_adapter COMMAND...: for the adapter, where training starts and which the systems are compared with.
on_adapter() {
  local recipe=adapter dir=$adapter_dir features=$feats/$codec$bits config=$adapter_config tap=''
  "$@"
}

# fill_codebooks SET: those of an untrained codec are empty, and would give the same token for all audio.
fill_codebooks() {
  if [[ -z $codebooks ]]; then return; fi
  stage.py --out "$codebooks" --force "$force" --input "$features/$1" -- mimidiar study codebooks "$features/$1" "$codebooks"
}

use_system() {
  if [[ $start == adapter ]]; then
    train_inputs=(--input "$adapter_dir/model") train_options=(--start-from "$adapter_dir/model/model.safetensors")
  else config=$scratch_config; fi
  train_options+=("${options[@]}")
  if [[ -n $weights ]]; then train_inputs+=(--input "$weights") train_options+=(--checkpoint "$weights"); fi
}

# score_and_compare SET...: scores, tuned on the first set, and how far the codec has drifted on the others.
score_and_compare() {
  local set
  score_sets "$@"
  for set in "${@:2}"; do
    stage.py --out "$dir/$set/drift" --force "$force" --input "$dir/model" --input "$manifests/$set" --input "$features/$set" \
      ${codebooks:+--input "$codebooks"} ${weights:+--input "$weights"} -- \
      mimidiar study drift "$dir/model/model.safetensors" "$manifests/$set" "$features/$set" "$dir/$set/drift" \
      --decode-sec "$decode_sec" ${codebooks:+--codebooks "$codebooks/codebooks.safetensors"} \
      ${weights:+--checkpoint "$weights"} ::: \
      mimidiar table record "$dir/$set/drift" --system "$recipe-$label" --set "$set" --seed "$seed"
  done
}

# draw_tradeoff: DER against token drift, one figure with a panel for each set that was scored.
draw_tradeoff() {
  local out=$exp/$experiment/tradeoff
  mkdir -p "$out"
  mimidiar report ../conf/table.yaml --only unfreeze "--results=$exp/$experiment" "--results=$adapter_place/$experiment" \
    --allow-dirty --format json -o "$out/tradeoff.json"
  mimidiar figure tradeoff "$out/tradeoff.json" -o "$out/tradeoff"
}
