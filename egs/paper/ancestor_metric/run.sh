#!/usr/bin/env bash
# What the ancestor's figures can say: a diarizer without errors, which numbers the speakers of a crop as they come, scored by
# the ancestor's metric, which compares channel k with the speaker who came k-th in the whole session, and by DER, which maps
# channels to speakers. Conversations by NeMo's simulator in the ancestor's three settings, crops of 90 s.
#
# Needs no network and no GPU. Speech: --corpus, else synthetic voices (turns alone are used of it).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 1 speech, 2 simulation, 5 scores, 6 table and figure
stop_stage=6                       # last stage
nj=2                               # parallel jobs, one thread each
# shellcheck disable=SC2034
ngpu=0                             # accepted by every recipe; nothing here runs on a GPU
force=false                        # do a stage again whose settings or inputs changed
tag=perfect                        # name of the experiment: results go to exp/<tag>/seed<seed>
seed=0                             # of the places of the crops
# shellcheck disable=SC2034
train_config=                      # accepted by every recipe; nothing is trained here
sim_config=conf/simulate.yaml      # the conversations
conversations=60                   # of two speakers; two thirds as many of four speakers, one third of three
crop_sec=90                        # length of a crop
crops=5                            # of each conversation, at random places
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=data                          # manifests and simulated turns
exp=exp                            # experiments
record=false                       # stage 6: also write results/ and RESULTS.md
# --- end of options ---
. parse_options.sh
. stages.sh

dir=$exp/$tag/seed$seed sets=("$data/sim_two" "$data/sim_three" "$data/sim_four")
if stage 1 "speech"; then
  options=(${corpus:+--corpus "$corpus"})
  if (( limit_speakers > 0 )); then options+=(--limit-speakers "$limit_speakers"); fi
  stage.py --out "$data" --force "$force" ${corpus:+--input "$corpus"} -- mimidiar prepare mini "$data" "${options[@]}"
fi
if stage 2 "turns of conversations"; then
  stage.py --out "${sets[0]}" --also "${sets[1]}" --also "${sets[2]}" --nj "$nj" --force "$force" --input "$data" \
    --input "$sim_config" -- mimidiar simulate --config "$sim_config" "$data" "$data" \
    "sets.two.conversations=$conversations" "sets.four.conversations=$(( conversations * 2 / 3 ))" \
    "sets.three.conversations=$(( conversations / 3 ))"
fi
if stage 5 "the ancestor's metric and DER of a diarizer without errors"; then
  inputs=() commands=(mimidiar ancestor-demo "${sets[@]}" "$dir" --seed "$seed" --crops "$crops" --crop-sec "$crop_sec")
  for set in "${sets[@]}"; do inputs+=(--input "$set"); done
  for set in sim_two sim_three sim_four mixed; do
    commands+=(::: mimidiar record "$dir/$set" --system perfect --set "$set" --protocol ancestor --seed "$seed")
  done
  stage.py --out "$dir" --force "$force" "${inputs[@]}" -- "${commands[@]}" ::: \
    mimidiar figure bars "$dir/bars.json" -o "$dir/confusion"
fi
if stage 6 "table"; then
  cat "$dir/table.md"
  echo "figure: $dir/confusion.png and .svg"
  if [[ $record == true ]]; then mimidiar publish "$dir" -o results && mimidiar report conf/table.yaml -o RESULTS.md; fi
fi
