#!/usr/bin/env bash
# Exp 2.5: what does training Mimi's last layers with the adapter bring, and what becomes of the tokens that a language model
# reads? From the adapter of ../adapter and from scratch; DER against token drift for three strengths of a term that keeps the
# latent near the frozen codec's. The ancestor's settings: --variants scratch --scratch-config conf/ancestor.yaml
# --adapter-config conf/ancestor.yaml --tag mimi-ancestor; its data: add --leaky true, and -leaky to the tag.
# Needs (rates in ../../README.md): what ../adapter needs, and stage 3 129 GB, 76 core-hours; stage 4 90 core-hours for a variant
# that starts from the adapter, 860 from scratch (a GPU's hours were not measured); stage 5 8 core-hours for six variants.
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
train_config=conf/train.yaml       # from the trained adapter
scratch_config=conf/scratch.yaml   # with a fresh one; conf/ancestor.yaml has the ancestor's model and schedule
adapter_config=conf/train.yaml     # of ../adapter
adapter_exp=                       # where its experiments lie, else beside those of this recipe
sim_config=                        # the conversations, else ../conf/simulate.yaml
window_sec=90                      # what the adapter sees at once of a recording; windows overlap by half
encoder=mimi                       # see `mimidiar extract --help`
tap=transformer.4                  # the last one that stays as it is, below the layers that are trained
checkpoint=                        # weights of the encoder, else $MIMI_CHECKPOINT, else the hub
compress=false                     # true: features in 16 bits for a number, in folders of their own: half of the disk
variants="further warm scratch near-weak near-medium near-strong"   # see utils/unfreeze.sh
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
compressed=${compress#false} tag=${tag:-$encoder${musan:+-musan}${rirs:+-rirs}${compressed:+-16bit}}
. recipe.sh
. ../local/corpus.sh
. unfreeze.sh
exp2_options=(--mic "$mic" --reference "$reference" --leaky "$leaky" --compress "$compress")
if stage 0 "download"; then download_corpora; fi
if stage 1 "data"; then prepare_corpora; fi
if stage 2 "simulation"; then simulate_conversations; fi
if stage 3 "features of $encoder"; then exp2 3; extract_features "${all_sets[@]}"; fill_codebooks "${train_sets[0]}"; fi
if stage 4 "training"; then exp2 4; each_variant train_adapter "${train_sets[@]}" -- "${dev_sets[@]}"; fi
if stage 5 "posteriors, post-processing tuned on ${dev_sets[0]}, scores, drift"; then
  exp2 5; each_variant score_sets "${dev_sets[0]}" "${test_sets[@]}"
  for set in "${test_sets[@]}"; do score_floors "$set"; done
fi
if stage 6 "table"; then report_also=("$exp2_exp/$tag"); report; draw_tradeoff; fi
