#!/usr/bin/env bash
# The metric of the original study on a diarizer without errors. It numbers the speakers of a crop in order of
# appearance, scored by its metric, which compares output k with the k-th speaker of the whole recording, and by DER, which maps
# outputs to speakers. Conversations by NeMo's simulator in the three settings of the study, crops of 90 s.
#
# Needs no network and no GPU. Speech: --corpus, else synthetic voices (only their turns are used).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
nj=2                               # parallel jobs, one thread each
tag=perfect                        # name of the experiment: results go to exp/<tag>/seed<seed>
seed=0                             # of the places of the crops
sim_config=conf/simulate.yaml      # the conversations
conversations=60                   # of two speakers; two thirds as many of four speakers, one third of three
crop_sec=90                        # length of a crop, in seconds
crops=5                            # of each conversation, at random places
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=data                          # manifests and simulated turns
# --- end of options ---
. parse_options.sh
. stages.sh

dir=$exp/$tag/seed$seed sets=("$data/sim_two" "$data/sim_three" "$data/sim_four")
if stage 1 "speech"; then
  options=(${corpus:+--corpus "$corpus"})
  if (( limit_speakers > 0 )); then options+=(--limit-speakers "$limit_speakers"); fi
  stage.py --out "$data" --force "$force" ${corpus:+--input "$corpus"} -- mimidiar data prepare mini "$data" "${options[@]}"
fi
if stage 2 "turns of conversations"; then
  stage.py --out "${sets[0]}" --also "${sets[1]}" --also "${sets[2]}" --nj "$nj" --force "$force" --input "$data" \
    --input "$sim_config" -- mimidiar data simulate --config "$sim_config" "$data" "$data" \
    "sets.two.conversations=$conversations" "sets.four.conversations=$(( conversations * 2 / 3 ))" \
    "sets.three.conversations=$(( conversations / 3 ))"
fi
if stage 5 "the metric of the original study and DER of a diarizer without errors"; then
  inputs=()
  commands=(mimidiar study original-metric-demo "${sets[@]}" "$dir" --seed "$seed" --crops "$crops" --crop-sec "$crop_sec")
  for set in "${sets[@]}"; do inputs+=(--input "$set"); done
  for set in sim_two sim_three sim_four mixed; do
    commands+=(::: mimidiar table record "$dir/$set" --system perfect --set "$set" --protocol ancestor --seed "$seed")
  done
  stage.py --out "$dir" --force "$force" "${inputs[@]}" -- "${commands[@]}" ::: \
    mimidiar figure bars "$dir/bars.json" -o "$dir/confusion"
fi
if stage 6 "table"; then
  cat "$dir/table.md"
  echo "figure: $dir/confusion.png and .svg"
  if [[ $record == true ]]; then mimidiar table publish "$dir" -o results && mimidiar report conf/table.yaml -o RESULTS.md; fi
fi
