# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the linking recipe after fusion.sh: one model, and several ways to assign its window-level speakers to those of the
# recording (conf/systems.yaml).

# Unless it is named: where experiments lie in <place>/linking/exp, those of fusion lie in <place>/fusion/exp.
fusion_place=${fusion_exp:-../fusion/exp}
if [[ -z $fusion_exp && $exp == */linking/exp ]]; then fusion_place=${exp%/linking/exp}/fusion/exp; fi
fusion_dir=$fusion_place/$experiment/seed$seed
# Another model than the recipe's is in the names, as another speaker encoder and other windows of it are (fusion.sh).
if [[ $model != "${option_default[model]}" ]]; then name_experiment "$experiment-$model"; fi
windows=$dir/windows probe=$dir/probe
systems.py conf/systems.yaml "$systems" > /dev/null   # a wrong name stops the recipe before anything is done

# on_model COMMAND...: for the model of ../fusion.
on_model() {
  local recipe=fusion dir=$fusion_dir label='' line
  line=$(systems.py ../fusion/conf/systems.yaml "$model")
  as_system "$line" "$@"
}

# keep_windows SET...: the output of the model for each window of these sets.
keep_windows() {
  local set
  for set in "$@"; do
    stage.py --out "$windows/$set" --force "$force" --input "$dir/model" --input "$features/$set" --nj "$nj" -- \
      mimidiar eval infer "$dir/model/model.safetensors" "$features/$set" "$windows/$set" --window-sec "$window_sec" --local
  done
}

# find_embeddings SET: the options that name those of SET into `embeddings`, and their inputs into `inputs`.
find_embeddings() {
  local folder=${by}_features
  embeddings=() inputs=()
  if [[ -n $by ]]; then embeddings=(--embeddings "${!folder}/$1") inputs=(--input "${!folder}/$1"); fi
  if [[ $by == codec ]]; then embeddings+=(--probe "$probe/model.safetensors") inputs+=(--input "$probe"); fi
}

# tune_clustering DEV: the distance threshold of clusters; once for the systems that share it, since under --force a second time
# would be another result.
tuned_systems=" "
tune_clustering() {
  local embeddings inputs out=${dir%/*}/${threshold:-$system}/linking
  if [[ -z $by || $tuned_systems == *" $out "* ]]; then return; fi
  tuned_systems+="$out "
  find_embeddings "$1"
  stage.py --out "$out" --force "$force" --input "$windows/$1" --input "$manifests/$1" "${inputs[@]}" -- \
    mimidiar eval cluster tune "$windows/$1" "$manifests/$1" "$out" "${embeddings[@]}"
}

# cluster_set SET: posteriors of whole recordings.
cluster_set() {
  local embeddings inputs tuned=${dir%/*}/${threshold:-$system}/linking
  find_embeddings "$1"
  if [[ -n $by ]]; then embeddings+=(--tuned "$tuned/tuned.yaml") inputs+=(--input "$tuned"); fi
  if [[ -n $reference ]]; then embeddings+=("$reference" "$manifests/$1") inputs+=(--input "$manifests/$1"); fi
  stage.py --out "$dir/$1/posteriors" --force "$force" --input "$windows/$1" "${inputs[@]}" -- \
    mimidiar eval cluster run "$windows/$1" "$dir/$1/posteriors" "${options[@]}" "${embeddings[@]}"
}

# cluster_and_score SET...: tuned on the first set, scores of the others.
cluster_and_score() {
  local set
  for set in "$@"; do cluster_set "$set"; done
  tune_on "$1"
  for set in "${@:2}"; do score_posteriors "$set"; done
}
