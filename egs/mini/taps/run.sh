#!/usr/bin/env bash
# How deep in the codec is the speaker? At every tap the equal error rate of pooled features, of a linear probe on speakers that
# it never saw, when both say one sentence, when one is quiet, noisy or in a room; and the error of clustered windows.
#
# No network, no GPU; for speech see ../baseline. One pass gives all taps, but no quantized ones where codebooks are empty.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 2 simulation, 3 features, 4 training, 5 scores, 6 table
stop_stage=6                       # last stage
nj=2                               # parallel jobs, one thread each
ngpu=0                             # 1: features and probes on a GPU
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the experiment, else that of the encoder: results go to exp/<tag>/seed<seed>
seed=1                             # seed of the probes' weights
train_config=conf/train.yaml       # of the speaker probes; conf/windows.yaml is that of the probes on windows
sim_config=                        # the conversations; else ../conf/simulate.yaml, for synthetic voices _short
encoder=mimi-random                # see `mimidiar extract --help`; logmel has one tap, which is drawn across all depths
checkpoint=                        # weights of the encoder, if it needs a file
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=../data                       # manifests, shared by the recipes of egs/mini
feats=../feats                     # features, likewise
exp=exp                            # experiments
record=false                       # stage 6: also keep the records in results/, and write all tables
# --- end of options ---
. parse_options.sh
tap=
. stages.sh
. recipe.sh
. ../local/corpus.sh
. taps.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
trial_sets
if stage 2 "conversations, sentences that all read, trials made worse"; then
  simulate_conversations
  if [[ -d $corpus/npvcc2016 ]]; then prepare_texts "$corpus"; fi
  degrade_trials "${sets[0]}"
fi
find_train
if stage 3 "all taps of $encoder"; then
  pool_taps "$train"
  pool_trials "${sets[0]}"
  pool_windows sim_train -- --limit 30
  pool_windows sim_dev sim_test
fi
if stage 4 "probes"; then
  train_taps speakers "$train" "$train_config"
  train_taps windows "$data/sim_train" conf/windows.yaml
fi
if stage 5 "scores"; then
  score_all "${sets[0]}"
  cluster_taps windows sim_dev sim_test
  score_floors sim_test
fi
if stage 6 "table and figure"; then report; draw_depth; fi
