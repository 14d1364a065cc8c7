#!/usr/bin/env bash
# Exp 1.5: one linear layer from Mimi's pooled feature to the training speakers; cosine in the layer's output space.
#
# Three probes: the corrected one and one with the ancestor's settings, trained on the dev part, whose speakers are in no
# trial; and one trained, as the ancestor's was, on all utterances of the test part, which the trials are made of: leaky.
#
# Needs (rates in ../../README.md): VoxCeleb1 (34 GB to download, 42 GB unpacked); stage 1 1 core-hour; stage 3 33 GB, 18
# core-hours, all but 1 GB of it shared with ../baseline; stages 4 and 5 half a core-hour for each seed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 3 features, 4 training, 5 scores, 6 table
stop_stage=6                       # last stage
nj=4                               # parallel jobs, one thread each
ngpu=0                             # 1: features on a GPU
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the experiment, else that of the encoder: results go to exp/<tag>/seed<seed>
seed=1                             # seed of the probe's weights
train_config=conf/train.yaml       # the corrected probe; conf/ancestor.yaml has the ancestor's settings
encoder=mimi                       # see `mimidiar extract --help`
tap=                               # where the codec is read; the latent unless named
checkpoint=                        # weights of the encoder, else $MIMI_CHECKPOINT, else the hub
corpus=                            # folder with VoxCeleb1, else it is looked for, see egs/README.md
settings=vad=true                  # of `mimidiar prepare voxceleb1`, with blanks between
limit_speakers=0                   # speakers of each set; 0: all
data=../data                       # manifests, shared by the recipes of egs/voxceleb
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
if stage 3 "features of $encoder"; then extract_features train test "${sets[@]}"; fi
if stage 4 "training"; then
  train_probe corrected train "$train_config"
  train_probe ancestor train conf/ancestor.yaml
  train_probe leaky test conf/ancestor.yaml
fi
if stage 5 "scores"; then
  for set in "${sets[@]}"; do score_probes "$set" corrected ancestor; done
  score_probes trials_o_cleaned leaky
fi
if stage 6 "table"; then report; fi
