#!/usr/bin/env bash
# Exp 1: does frozen Mimi know who is speaking? One vector per utterance (the mean of its frames), cosine, equal error rate
# on the trials VoxCeleb1-O cleaned, whose speakers nothing is trained on.
#
# Needs (rates in ../../README.md): VoxCeleb1 (34 GB to download, 42 GB unpacked); stage 1 1 core-hour, most of it for speech
# segments; stage 3 32 GB, 18 core-hours, shared with ../probe; stage 5 15 core-minutes.
# The test part of the corpus is enough, without the centred scores: --settings "vad=true parts=[test]": 2.5 GB; stage 3 1 GB,
# 0.6 core-hours.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 3 features, 5 scores, 6 table
stop_stage=6                       # last stage
nj=4                               # parallel jobs, one thread each
ngpu=0                             # 1: features on a GPU
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the experiment, else that of the encoder: results go to exp/<tag>
# shellcheck disable=SC2034
seed=0                             # accepted by every recipe; nothing here is random
# shellcheck disable=SC2034
train_config=                      # accepted by every recipe; nothing is trained here
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
train=()
if [[ -d $data/train ]]; then train=(train); fi
if stage 3 "features of $encoder"; then extract_features "${train[@]}" "${sets[@]}"; fi
if stage 5 "scores"; then
  # Over all frames, as the ancestor pooled; over speech; over speech with the mean of the training set taken away.
  for set in "${sets[@]}"; do
    score_trials "$set" "$exp/$tag/$set/all" 0 -- --pooling all
    score_trials "$set" "$exp/$tag/$set/speech" 0 -- --pooling speech
    if [[ ${train[*]} ]]; then
      score_trials "$set" "$exp/$tag/$set/centred" 0 "$data/train" "$feats/train" -- \
        --pooling speech --centre "$data/train" "$feats/train"
    fi
  done
fi
if stage 6 "table"; then report; fi
