#!/usr/bin/env bash
# Exp 3: what does a speaker encoder add to Mimi? The adapter of Exp 2 on Mimi alone, on TitaNet's embeddings alone, and on both:
# side by side (704 dimensions, as in the paper), and as likeness to the voices of the window. Data and scores as in ../adapter.
# The ancestor's model and schedule: --train-config ../adapter/conf/ancestor.yaml --speaker-tap window1.5-hop0.2 --tag
# mimi-ancestor; its data, too, for comparison only: add --leaky true, and -leaky to the tag. Not as the ancestor: embeddings
# stand where they belong in time.
# Needs (rates in ../../README.md): corpora and stage 2 as ../adapter; stage 3 90 GB, 160 core-hours (of them 120 for TitaNet;
# window1.5-hop0.2 360); stage 4 270 core-hours a system, on a GPU some hours (an estimate: not measured); stage 5 75
# core-minutes for five systems.
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
train_config=../adapter/conf/train.yaml   # ../adapter/conf/ancestor.yaml has the ancestor's model and schedule
sim_config=                        # the conversations, else ../conf/simulate.yaml
window_sec=90                      # what the model sees at once of a recording; windows overlap by half
encoder=mimi                       # the codec, see `mimidiar extract --help`
tap=                               # where it is read; the latent unless named
checkpoint=                        # its weights, else $MIMI_CHECKPOINT, else the hub
speaker=titanet                    # the speaker encoder; campplus needs no download
speaker_tap=window1.5-hop0.6-speech   # its windows; 0 where silero-vad hears nobody
speaker_checkpoint=                # its weights, else $TITANET_CHECKPOINT, else the hub
compress=false                     # true: features in 16 bits for a number, in folders of their own: half of the disk
systems="mimi speaker concat voices likeness"   # see utils/fusion.sh
ami=                               # folder with AMI, else it is looked for, see egs/README.md
librispeech=                       # folder with LibriSpeech, likewise
musan=                             # folder of MUSAN, whose sounds half of the simulated training conversations get
rirs=                              # folder of RIRS_NOISES, in whose simulated rooms half of them are
mic=mix                            # mix: the headsets together (Mix-Headset); sdm: one microphone on the table
reference=                         # only_words, or segments; the ancestor's data have segments
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
. fusion.sh

if stage 0 "download"; then download_corpora; fi
if stage 1 "data"; then prepare_corpora; fi
if stage 2 "simulation"; then simulate_conversations; fi
if stage 3 "features of $encoder and $speaker"; then extract_streams "${all_sets[@]}"; fi
if stage 4 "training"; then each_system train_adapter "${train_sets[@]}" -- "${dev_sets[@]}"; fi
if stage 5 "posteriors, post-processing tuned on ${dev_sets[0]}, scores"; then
  each_system score_sets "${dev_sets[0]}" "${test_sets[@]}"; for set in "${test_sets[@]}"; do score_floors "$set"; done
fi
if stage 6 "table"; then report; fi
