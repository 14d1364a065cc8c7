# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the linking recipes after fusion.sh: one model, whose windows of whole recordings are put together in several ways.
#
#   overlap   by what windows say of the time in which they overlap: no voices, no more speakers than the model has channels
#   codec     by voice: the codec's own frames, in the space of a linear speaker probe
#   voices    by voice: embeddings of the speaker encoder
#   counted   the same, told how many speakers there are
#   oracle    told who is who: what is left is the model's own error in its windows

read -ra links <<< "$links"
for link in "${links[@]}"; do
  case $link in
    overlap | codec | voices | counted | oracle) ;;
    *) echo "run.sh: error: no link '$link'; choose among overlap codec voices counted oracle" >&2; exit 1 ;;
  esac
done
# Another model than the recipe's is in the names, as another speaker encoder and other windows of it are (fusion.sh).
exp3_tag=$tag
if [[ $system != "${_options_default[system]}" ]]; then tag+=-$system; fi
dir=$exp/$tag/seed$seed name=${tag//./-}
# Unless it is named: where experiments lie in <place>/linking/exp, those of fusion lie in <place>/fusion/exp.
exp3_exp=${fusion_exp:-../fusion/exp}
if [[ -z ${fusion_exp:-} && $exp == */linking/exp ]]; then exp3_exp=${exp%/linking/exp}/fusion/exp; fi
exp3_model=$exp3_exp/$exp3_tag/seed$seed/$system/model
probe=$dir/probe

# exp3 STAGE: a stage of ../fusion, whose model it is.
exp3() {
  ../fusion/run.sh --stage "$1" --stop-stage "$1" --nj "$nj" --ngpu "$ngpu" --force "$force" --tag "$base_tag" --seed "$seed" \
    --encoder "$encoder" --checkpoint "$(beside fusion "$checkpoint")" --speaker "$speaker" --speaker-tap "$speaker_tap" \
    --speaker-checkpoint "$(beside fusion "$speaker_checkpoint")" --data "$(beside fusion "$data")" \
    --feats "$(beside fusion "${mimi_feats%/*}")" --exp "$(beside fusion "$exp3_exp")" --systems "$system" \
    --train-config "$(beside fusion "$train_config")" --sim-config "$(beside fusion "$sim_config")"
}

# system_feats: the features that the model of `system` reads.
system_feats() {
  case $system in
    mimi) echo "$mimi_feats" ;;
    speaker | voices) echo "$speaker_feats" ;;
    *) echo "$fused_feats" ;;
  esac
}

# train_voice_probe SET: for links by the codec's own frames, a probe of SET's speakers.
train_voice_probe() {
  stage.py --out "$probe" --force "$force" --input "$data/$1" --input "$mimi_feats/$1" --input "$probe_config" -- \
    mimidiar probe "$data/$1" "$mimi_feats/$1" "$probe" --config "$probe_config" --seed "$seed"
}

# keep_windows SET...: the model's windows of these sets.
keep_windows() {
  local set feats
  feats=$(system_feats)
  for set in "$@"; do
    stage.py --out "$dir/windows/$set" --force "$force" --input "$exp3_model" --input "$feats/$set" --nj "$nj" -- \
      mimidiar infer "$exp3_model/model.safetensors" "$feats/$set" "$dir/windows/$set" --window-sec "$window_sec" --local
  done
}

# voices_of LINK SET: puts what `mimidiar link` must be told of the voices of SET into `voices`, and its inputs into `inputs`.
voices_of() {
  case $1 in
    codec) voices=(--voices "$mimi_feats/$2" --probe "$probe/model.safetensors") inputs=(--input "$mimi_feats/$2" --input "$probe") ;;
    *) voices=(--voices "$speaker_feats/$2") inputs=(--input "$speaker_feats/$2") ;;
  esac
}

# tune_link LINK DEV: when two voices are two speakers.
tune_link() {
  local voices inputs
  voices_of "$1" "$2"
  stage.py --out "$dir/$1/linking" --force "$force" --input "$dir/windows/$2" --input "$data/$2" "${inputs[@]}" -- \
    mimidiar link tune "$dir/windows/$2" "$data/$2" "$dir/$1/linking" "${voices[@]}"
}

# link_set LINK SET: posteriors of whole recordings.
link_set() {
  local voices inputs out=$dir/$1/$2/posteriors tuned=$dir/${1/counted/voices}/linking
  case $1 in
    overlap) voices=(--overlap) inputs=() ;;
    oracle) voices=(--oracle "$data/$2") inputs=(--input "$data/$2") ;;
    *) voices_of "$1" "$2"; voices+=(--tuned "$tuned/tuned.yaml") inputs+=(--input "$tuned") ;;
  esac
  if [[ $1 == counted ]]; then voices+=(--oracle-count "$data/$2") inputs+=(--input "$data/$2"); fi
  stage.py --out "$out" --force "$force" --input "$dir/windows/$2" "${inputs[@]}" -- \
    mimidiar link run "$dir/windows/$2" "$out" "${voices[@]}"
}

# score_link LINK SET: decided with what was tuned, and scored.
score_link() {
  local out=$dir/$1/$2/scores
  local commands=(mimidiar decide "$dir/$1/$2/posteriors" "$out" --tuned "$dir/$1/tuned/tuned.yaml")
  scoring "$2" "$out"
  stage.py --out "$out" --force "$force" --input "$data/$2" --input "$dir/$1/tuned" --input "$dir/$1/$2/posteriors" -- \
    "${commands[@]}" ::: mimidiar record "$out"/{collar0,collar0.25} --system "linking-$1-$name" --set "$2" --seed "$seed"
}

# score_links DEV SET...: all links, each tuned on DEV.
score_links() {
  local dev=$1 link set
  shift
  # Once for those that share it: under --force a second time would be another.
  if [[ " ${links[*]} " == *" codec "* ]]; then tune_link codec "$dev"; fi
  if [[ " ${links[*]} " =~ \ (voices|counted)\  ]]; then tune_link voices "$dev"; fi
  for link in "${links[@]}"; do
    for set in "$dev" "$@"; do link_set "$link" "$set"; done
    stage.py --out "$dir/$link/tuned" --force "$force" --input "$dir/$link/$dev/posteriors" --input "$data/$dev" -- \
      mimidiar tune "$dir/$link/$dev/posteriors" "$data/$dev" "$dir/$link/tuned"
    for set in "$@"; do score_link "$link" "$set"; done
  done
}
