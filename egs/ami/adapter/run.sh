#!/usr/bin/env bash
# Exp 2: an adapter on frozen Mimi, trained on AMI's meetings and on conversations simulated of LibriSpeech, tuned on AMI's
# dev part and scored on its test part (no collar, overlap scored, references only_words) and on simulated conversations.
#
# The ancestor's model and schedule on the same data: --train-config conf/ancestor.yaml --tag mimi-ancestor. Its data, too,
# for comparison only: --train-config conf/ancestor.yaml --leaky --tag mimi-ancestor-leaky.
#
# Needs (rates in ../../README.md): AMI Mix-Headset 11 GB, LibriSpeech train-clean-100, dev-clean and test-clean 14 GB with
# their archives; stage 2 44 GB, 3 core-hours; stage 3 65 GB, 36 core-hours; stage 4 270 core-hours (conf/ancestor.yaml
# 140), on a GPU some hours (an estimate: not measured); stage 5 15 core-minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 2 simulation, 3 features, 4 training, 5 scores, 6 table
stop_stage=6                       # last stage
nj=4                               # parallel jobs, one thread each
ngpu=0                             # above 0: features on a GPU, training on so many
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the experiment, else encoder[-musan][-rirs][-16bit]: results in exp/<tag>/seed<seed>
seed=1                             # seed of weights, crops and dropout
train_config=conf/train.yaml       # conf/ancestor.yaml has the ancestor's model and schedule
sim_config=                        # the conversations, else ../conf/simulate.yaml
window_sec=90                      # what the model sees at once of a recording; windows overlap by half
encoder=mimi                       # see `mimidiar extract --help`
tap=                               # where the codec is read; the latent unless named
checkpoint=                        # weights of the encoder, else $MIMI_CHECKPOINT, else the hub
compress=false                     # true: features in 16 bits for a number, in folders of their own: half of the disk
ami=                               # folder with AMI, else it is looked for, see egs/README.md
librispeech=                       # folder with LibriSpeech, likewise
musan=                             # folder of MUSAN, whose sounds half of the simulated training conversations get
rirs=                              # folder of RIRS_NOISES, in whose simulated rooms half of them are
mic=mix                            # mix: the headsets together (Mix-Headset); sdm: one microphone on the table
reference=                         # only_words, segments (the ancestor's), or a folder of RTTM files (forced alignments)
leaky=false                        # true: the ancestor's data, which is scored on what it was trained on
skip_missing=false                 # true: go on with a corpus that is not whole
data=../data                       # manifests, shared by the recipes of egs/ami
feats=../feats                     # features, likewise
exp=exp                            # experiments
record=false                       # stage 6: also keep the records in results/, and write all tables
# --- end of options ---
. parse_options.sh
. stages.sh
. recipe.sh
. ../local/corpus.sh

if stage 0 "download"; then download_corpora; fi
if stage 1 "data"; then prepare_corpora; fi
if stage 2 "simulation"; then simulate_conversations; fi
if stage 3 "features of $encoder"; then extract_features "${all_sets[@]}"; fi
if stage 4 "training"; then train_adapter "${train_sets[@]}" -- "${dev_sets[@]}"; fi
if stage 5 "posteriors, post-processing tuned on ${dev_sets[0]}, scores"; then
  infer_and_tune "${dev_sets[0]}" "${test_sets[@]}"
  for set in "${test_sets[@]}"; do score_posteriors "$set"; score_floors "$set"; done
fi
if stage 6 "table"; then report; fi
