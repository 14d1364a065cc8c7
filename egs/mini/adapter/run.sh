#!/usr/bin/env bash
# Exp 2: an adapter on the frozen codec, trained on simulated conversations, scored on simulated conversations of unseen
# speakers and on real meeting excerpts, which are never trained or tuned on. For speech see ../baseline.
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
tag=                               # name of the experiment, else of the encoder[-16bit]: results go to exp/<tag>/seed<seed>
seed=1                             # seed of weights, crops and dropout
train_config=conf/train.yaml       # conf/ancestor.yaml has the ancestor's model and schedule
sim_config=                        # the conversations; else ../conf/simulate.yaml, for synthetic voices _short
window_sec=45                      # what the model sees at once of a recording; windows overlap by half
encoder=mimi-random                # see `mimidiar extract --help`
tap=                               # where the codec is read; the latent unless named
checkpoint=                        # weights of the encoder, if it needs a file
compress=false                     # true: features in 16 bits for a number, in folders of their own: half of the disk
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=../data                       # manifests, shared by the recipes of egs/mini
feats=../feats                     # features, likewise
exp=exp                            # experiments
record=false                       # stage 6: also keep the records in results/, and write all tables
# --- end of options ---
. parse_options.sh
. stages.sh
. recipe.sh
. ../local/corpus.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then simulate_conversations; fi
mapfile -t tests < <(test_sets)
if stage 3 "features of $encoder"; then extract_features sim_train sim_dev "${tests[@]}"; fi
if stage 4 "training"; then train_adapter sim_train -- sim_dev; fi
if stage 5 "posteriors, post-processing tuned on sim_dev, scores"; then
  infer_and_tune sim_dev "${tests[@]}"
  for set in "${tests[@]}"; do
    score_posteriors "$set"
    score_floors "$set"
  done
fi
if stage 6 "table"; then report; fi
