#!/usr/bin/env bash
# Exp 2.5: does the adapter do better when the codec's last layer is trained with it, and what becomes of the codec's tokens?
# From the adapter of ../adapter and from scratch; DER against token drift for three strengths of a term that keeps the latent
# near the frozen codec's. The untrained codec has one such layer to train, and codebooks filled here. For speech: ../baseline.
#
# Needs no GPU. On one core: 7 minutes for the features, and for ../adapter what it needs; then 11 for each seed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 2 simulation, 3 features, 4 training, 5 scores, 6 table
stop_stage=6                       # last stage
nj=2                               # parallel jobs, one thread each
ngpu=0                             # above 0: features on a GPU, training on so many
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the experiment, else that of the encoder: results go to exp/<tag>/seed<seed>
seed=1                             # seed of weights, crops and dropout
train_config=conf/train.yaml       # from the trained adapter
scratch_config=conf/scratch.yaml   # with a fresh one
adapter_config=conf/train.yaml     # of ../adapter
adapter_exp=                       # where its experiments lie, else beside those of this recipe
sim_config=                        # the conversations; else ../conf/simulate.yaml, for synthetic voices _short
window_sec=45                      # what the adapter sees at once of a recording; windows overlap by half
encoder=mimi-random                # see `mimidiar extract --help`
tap=transformer.0                  # the last one that stays as it is, below the layers that are trained
checkpoint=                        # weights of the encoder, if it needs a file
variants="scratch further warm near-weak near-medium near-strong"   # see utils/unfreeze.sh
decode_sec=2                       # seconds of each recording whose sound is compared
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=../data                       # manifests, shared by the recipes of egs/mini
feats=../feats                     # features, likewise
exp=exp                            # experiments
record=false                       # stage 6: also keep the records in results/, and write all tables
# --- end of options ---
. parse_options.sh
. stages.sh
# shellcheck disable=SC2034
tag_tap=  # not in the name of the experiment, as it has but one
. recipe.sh
. ../local/corpus.sh
. unfreeze.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then simulate_conversations; fi
mapfile -t tests < <(test_sets)
if stage 3 "features of $encoder"; then
  exp2 3; extract_features sim_train sim_dev "${tests[@]}"; fill_codebooks sim_train
fi
if stage 4 "training"; then exp2 4; each_variant train_adapter sim_train -- sim_dev; fi
if stage 5 "posteriors, post-processing tuned on sim_dev, scores, drift"; then
  exp2 5
  each_variant score_sets sim_dev "${tests[@]}"
  for set in "${tests[@]}"; do score_floors "$set"; done
fi
if stage 6 "table"; then report_also=("$exp2_exp/$tag"); report; draw_tradeoff; fi
