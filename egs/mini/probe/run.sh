#!/usr/bin/env bash
# Exp 1.5: one linear layer from the pooled codec feature to the training speakers; cosine in the layer's output space.
#
# Three probes: the corrected one and one with the ancestor's settings, scored on speakers that they never saw; and one
# trained, as the ancestor's was, on the very utterances of the trials. Needs no GPU; for speech see ../baseline.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 3 features, 4 training, 5 scores, 6 table
stop_stage=6                       # last stage
nj=2                               # parallel jobs, one thread each
ngpu=0                             # 1: features on a GPU
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the experiment, else that of the encoder: results go to exp/<tag>/seed<seed>
seed=1                             # seed of the probe's weights
train_config=conf/train.yaml       # the corrected probe; conf/ancestor.yaml has the ancestor's settings
encoder=mimi-random                # see `mimidiar extract --help`
tap=                               # where the codec is read; the latent unless named
checkpoint=                        # weights of the encoder, if it needs a file
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
trial_sets
if stage 3 "features of $encoder"; then extract_features train "${sets[@]}"; fi
if stage 4 "training"; then
  train_probe corrected train "$train_config"
  train_probe ancestor train conf/ancestor.yaml
  for set in "${sets[@]}"; do train_probe "leaky_$set" "$set" conf/ancestor.yaml; done
fi
if stage 5 "scores"; then
  for set in "${sets[@]}"; do score_probes "$set" corrected ancestor "leaky_$set"; done
fi
if stage 6 "table"; then report; fi
