# shellcheck shell=bash disable=SC2034,SC2154
# Sourced after recipe.sh by recipes that run diarizers as their users run them: the models of the option `models`, and where a
# recipe has the option `peers`, those of others.

name_experiment "${tag:-side-by-side}"
dir=$exp/$experiment
peers=${peers:-}

for peer in $peers; do
  if [[ ! -f conf/$peer.lock ]]; then
    echo "run.sh: error: no peer '$peer'; there are: $(cd conf && for file in *.lock; do echo -n "${file%.lock} "; done)" >&2
    exit 1
  fi
done
if [[ -z $peers$models ]]; then
  echo "run.sh: error: nothing to compare; name --models${option_default[peers]+ or --peers}" >&2
  exit 1
fi

# wanted SET...: one of them is among the sets to run on.
wanted() { local set; for set; do if [[ " $sets " == *" $set "* ]]; then return; fi; done; false; }

# install_peer PEER: an environment of its own, with the packages of its lock file.
install_peer() {
  local env=$exp/env/$1
  stage.py --out "$env" --force "$force" --input "conf/$1.lock" --input local/install_peer.sh -- \
    local/install_peer.sh "$1" "conf/$1.lock" "$env"
}

# find_systems: puts their names into `names`, the options of `mimidiar study bench` that name them into `commands_of_systems`,
# and their files into `inputs`.
find_systems() {
  local peer model file name
  names=() commands_of_systems=() inputs=()
  for peer in $peers; do
    names+=("$peer") inputs+=(--input "$exp/env/$peer" --input "local/${peer}_diarize.py")
    commands_of_systems+=(--package "$peer" "$exp/env/$peer" --system "$peer" \
      "$(printf %q "$exp/env/$peer/venv/bin/python") local/${peer}_diarize.py -o {out} {files}")
  done
  for model in $models; do
    file=../../../mimidiar/assets/$model.safetensors name=$model
    if [[ $model == *.safetensors ]]; then file=$model name=$(basename "$model" .safetensors); fi
    if [[ ! -f $file ]]; then
      echo "run.sh: error: no diarizer '$model': there is no $file; name one that mimidiar comes with, or a file (--models)" >&2
      exit 1
    fi
    name=${name//./-}
    names+=("$name") inputs+=(--input "$file")
    commands_of_systems+=(--weights "$name" "$file" --system "$name" \
      "mimidiar diarize --model $(printf %q "$model") --format rttm -o {out} {files}")
  done
}

# run_systems SET: in turn, on the same cores; scored, with records of errors and of cost.
run_systems() {
  local out=$dir/$1 system
  local commands=(mimidiar study bench "$data/$1" "$out" "${commands_of_systems[@]}" --rounds "$rounds" --cores "$cores")
  for system in "${names[@]}"; do
    scoring "$1" "$out/$system"
    commands+=(::: mimidiar table record "$out/$system"/{collar0,collar0.25,cost} --system "$recipe-$system" --set "$1" \
      --seed "$seed")
  done
  stage.py --out "$out" --force "$force" --input "$data/$1" "${inputs[@]}" -- "${commands[@]}"
}
