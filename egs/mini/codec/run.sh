#!/usr/bin/env bash
# mimi-mini: a small Mimi trained from nothing on the training speakers, in less than two hours of two cores; what it decodes of
# speakers that it never heard, and what its latent knows of who speaks, before training and after it.
# conf/distil.yaml: that codec goes on for half an hour, and its latent must also tell CAM++'s embedding of the speaker.
# conf/train_gpu.yaml: longer, on a GPU (--ngpu 1).
#
# Needs no network and no GPU. For speech see ../baseline. Sound files to listen to: exp/<tag>/seed<seed>/dev/sound/examples.
# `mimidiar ship` puts what is in exp/<tag>/seed<seed>/export into the package; conf/card*.md are the cards' texts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 3 speaker embeddings, 4 training, 5 scores, 6 table
stop_stage=6                       # last stage
nj=2                               # parallel jobs, one thread each; as many processes train, each on its part of every batch
ngpu=0                             # 1: training and features on a GPU
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the experiment, else mimi-mini, or mimi-mini-distil
seed=1                             # seed of weights, crops and codes
train_config=conf/train.yaml       # conf/distil.yaml, conf/train_gpu.yaml
start_from=                        # weights to start from; conf/distil.yaml: else those of conf/train.yaml, of this seed
speaker_tap=window3-hop1.5-speech  # of CAM++, whose mean over an utterance conf/distil.yaml wants the latent to tell
examples=6                         # sound files of so many recordings
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=../data                       # manifests, shared by the recipes of egs/mini
feats=../feats                     # features, likewise
exp=exp                            # experiments
record=false                       # stage 6: also keep the records in results/, and write all tables
# --- end of options ---
. parse_options.sh
encoder=mimi-mini checkpoint='' tap=''
. stages.sh
. codec.sh
. ../local/corpus.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
trial_sets
if stage 3 "speaker embeddings, where they are distilled"; then extract_targets train; fi
if stage 4 "training"; then train_codec train; fi
if stage 5 "sound and voices, before training and after"; then
  untrained judge dev "${sets[@]}"
  judge dev "${sets[@]}"
fi
if stage 6 "table and curves"; then report_both; draw_curves; fi
