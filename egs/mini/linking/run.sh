#!/usr/bin/env bash
# Whole recordings of 10 minutes, with more speakers than the model has outputs: what does assigning window-level speakers to
# those of the recording cost, by overlap, by clustering, and by the reference? The model is one of ../fusion. For speech see
# ../baseline.
#
# Needs no GPU. Processor time: 5 minutes for the codec's features of 6 hours, 6 for the embeddings of CAM++ (timing.jsonl in
# ../feats), and for ../fusion what it needs; less than 2 for each seed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
train_config=../fusion/conf/train.yaml     # of the model
probe_config=../probe/conf/train.yaml      # of the probe by which the codec's own frames are embeddings
fusion_exp=                        # where the experiments of ../fusion lie, by default beside those of this recipe
long_config=../conf/simulate_long.yaml     # the long conversations
window_sec=15                      # length of a window, in seconds; windows overlap by half
speaker=campplus                   # the speaker encoder
speaker_tap=window1.5-hop1.2-speech  # its windows; 0 where silero-vad finds no speech
speaker_checkpoint=                # its weights, if it needs a file
model=likeness                     # one of ../fusion/conf/systems.yaml
systems="overlap codec voices counted oracle"   # see conf/systems.yaml
# --- end of options ---
. parse_options.sh
. recipe.sh
. fusion.sh
. linking.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then simulate_conversations; simulate_long; fi
find_tests
if stage 3 "features of $encoder and $speaker"; then
  extract_streams sim_train sim_dev "${tests[@]}"
  extract_features train
  extract_streams sim_long_dev sim_long_test
fi
if stage 4 "training"; then
  on_model train_adapter sim_train -- sim_dev
  train_probe "$probe" train "$probe_config"
fi
if stage 5 "windows, clustered, tuned on sim_long_dev, scores"; then
  on_model keep_windows sim_long_dev sim_long_test
  each_system "$systems" tune_clustering sim_long_dev
  each_system "$systems" cluster_and_score sim_long_dev sim_long_test
  score_baselines sim_long_test
fi
if stage 6 "table"; then report; fi
