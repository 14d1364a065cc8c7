#!/usr/bin/env bash
# Diarizers that are shipped: on the codec and CAM++ (mini-fusion), on the distilled codec alone (mini), trained on talks that are
# drawn and heard on the fly; and what each thing in them is worth. For speech see ../baseline. With --ship true they go into the
# package.
#
# Needs no GPU. Processor time: an hour and more for the features of the talks of the first system, and again for plain, whose
# talks are others (the rest hear the same ones, through other codecs), half an hour for each training; 4 GB for these features,
# in exp/pool, which may be deleted.
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
tag=                               # name of the experiment, else that of the encoder: results go to exp/<tag>/seed<seed>
seed=1                             # seed of weights, talks and dropout
train_config=conf/train.yaml       # of all systems
probe_config=../probe/conf/train.yaml      # of the probe by which the codec's own frames are voices
sim_config=                        # the conversations of sim_test; else ../conf/simulate.yaml, for synthetic voices _short
talk_config=conf/talks.yaml        # the talks that are tuned on
turns=conf/turns.yaml              # how people take turns (local/measure_turns.py)
window_sec=20                      # what the model sees at once of a recording
hop_sec=5                          # from one window to the next: each moment is heard in four of them, whose mean counts
encoder=mimi-mini                  # the codec, see `mimidiar extract --help`
tap=                               # where it is read; the latent unless named
checkpoint=                        # its weights, if it needs a file
speaker=campplus                   # the speaker encoder
speaker_tap=window1.5-hop0.6-speech  # its windows; 0 where silero-vad hears nobody
speaker_checkpoint=                # its weights, if it needs a file
systems="fusion plain untrained distil mimi random"  # see utils/diarizer.sh
loaders=2                          # processes that draw and encode talks, beside the one that trains
ship=false                         # stage 6: also put fusion and distil into the package, as mini-fusion and mini
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=../data                       # manifests, shared by the recipes of egs/mini
feats=../feats                     # features, likewise
exp=exp                            # experiments
record=false                       # stage 6: also keep the records in results/, and write all tables
# --- end of options ---
. parse_options.sh
. stages.sh; . recipe.sh; . ../local/corpus.sh; . diarizer.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then simulate_conversations; draw_talks; fi
if stage 3 "features of the talks that are tuned on"; then each_system extract_system train talk_dev; fi
if stage 4 "training"; then each_system train_on_talks train talk_dev; fi
mapfile -t tests < <(test_sets)
if stage 5 "diarizers, tuned on talk_dev, and scores"; then each_system score_diarizer talk_dev "${tests[@]}"; fi
if stage 6 "table"; then report; ship_diarizers; fi
