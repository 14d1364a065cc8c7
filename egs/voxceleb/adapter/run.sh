#!/usr/bin/env bash
# The adapter's proof of concept: mixtures of two utterances of VoxCeleb1, made on the fly from the dev part, pass frozen Mimi
# and the adapter in one training loop. Scored on mixtures of the test part, written once; tuned on others of held-out
# speakers of the dev part.
#
# The ancestor's model and labels on the same data: --train-config conf/ancestor.yaml --tag mimi-ancestor. Its speakers, too,
# 32 and 8 of the test part, for comparison only: --train-config conf/ancestor.yaml --leaky --tag mimi-ancestor-leaky.
#
# Needs (rates in ../../README.md): VoxCeleb1 (34 GB to download, 42 GB unpacked); stage 1 1 core-hour; stage 2 0.4 GB; stage 3
# 0.6 GB, 0.4 core-hours; stage 4 1.1 core-hours for each of at most 50 epochs, in one process, on a GPU some hours in all (an
# estimate: not measured); stage 5 5 core-minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 2 mixtures, 3 features, 4 training, 5 scores, 6 table
stop_stage=6                       # last stage
nj=4                               # parallel jobs, one thread each
ngpu=0                             # above 0: features on a GPU, training on so many
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the experiment, else encoder[-musan][-rirs][-16bit]: results in exp/<tag>/seed<seed>
seed=1                             # seed of weights, mixtures and dropout
train_config=conf/train.yaml       # conf/ancestor.yaml has the ancestor's model, mixtures and schedule
mix_config=                        # the written mixtures, else ../conf/mixtures.yaml
window_sec=30                      # what the model sees at once of a recording; no mixture is longer
encoder=mimi                       # see `mimidiar extract --help`
tap=                               # where the codec is read; the latent unless named
checkpoint=                        # weights of the encoder, else $MIMI_CHECKPOINT, else the hub
compress=false                     # true: features in 16 bits for a number, in folders of their own: half of the disk
corpus=                            # folder with VoxCeleb1, else it is looked for, see egs/README.md
settings=vad=true                  # of `mimidiar prepare voxceleb1`, with blanks between
leaky=false                        # true: the ancestor's data, training and tuning on speakers of the test part
musan=                             # folder of MUSAN, whose sounds half of the training mixtures get
rirs=                              # folder of RIRS_NOISES, in whose simulated rooms half of them are
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
if stage 1 "data"; then prepare_corpus; prepare_sounds; fi
if stage 2 "mixtures"; then mix_utterances; fi
if stage 3 "features of $encoder"; then extract_features "$dev_set" "$test_set"; fi
if stage 4 "training"; then train_on_mixtures train; fi
if stage 5 "posteriors, post-processing tuned on $dev_set, scores"; then
  infer_and_tune "$dev_set" "$test_set"
  score_posteriors "$test_set"
  score_floors "$test_set"
fi
if stage 6 "table"; then report; fi
