#!/usr/bin/env bash
# Whole recordings of 10 minutes, with more speakers than the model has channels: what is lost where its windows are put
# together, by overlap, by voice, and by the reference? The model is one of ../fusion. For speech see ../baseline.
#
# Needs no GPU. Processor time: 5 minutes for the codec's features of 6 hours, 6 for the embeddings of CAM++ (timing.jsonl in
# ../feats), and for ../fusion what it needs; less than 2 for each seed.
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
seed=1                             # seed of weights, crops and dropout
train_config=../fusion/conf/train.yaml     # of ../fusion
probe_config=../probe/conf/train.yaml      # of the probe by which the codec's own frames are voices
fusion_exp=                        # where the experiments of ../fusion lie, else beside those of this recipe
sim_config=                        # the conversations of ../fusion; else ../conf/simulate.yaml, for synthetic voices _short
long_config=../conf/simulate_long.yaml     # the long ones
window_sec=15                      # what the model sees at once of a recording; windows overlap by half
encoder=mimi-random                # the codec, see `mimidiar extract --help`
tap=                               # where it is read; the latent unless named
checkpoint=                        # its weights, if it needs a file
speaker=campplus                   # the speaker encoder
speaker_tap=window1.5-hop1.2-speech  # its windows; 0 where silero-vad hears nobody
speaker_checkpoint=                # its weights, if it needs a file
system=likeness                    # the model, one of the systems in utils/fusion.sh
links="overlap codec voices counted oracle"   # see utils/linking.sh
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=../data                       # manifests, shared by the recipes of egs/mini
feats=../feats                     # features, likewise
exp=exp                            # experiments
record=false                       # stage 6: also keep the records in results/, and write all tables
# --- end of options ---
. parse_options.sh
systems=$system
. stages.sh; . recipe.sh; . ../local/corpus.sh; . fusion.sh; . linking.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then simulate_conversations; simulate_long; fi
if stage 3 "features of $encoder and $speaker"; then exp3 3; extract_features train; extract_streams sim_long_dev sim_long_test; fi
if stage 4 "training"; then exp3 4; train_voice_probe train; fi
if stage 5 "windows, linked, tuned on sim_long_dev, scores"; then
  keep_windows sim_long_dev sim_long_test
  score_links sim_long_dev sim_long_test
  score_floors sim_long_test
fi
if stage 6 "table"; then report; fi
