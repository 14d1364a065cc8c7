#!/usr/bin/env bash
# At which depth of the codec is the speaker information? At every tap the equal error rate of pooled features and of a linear
# probe on unseen speakers, with the same sentence in both utterances, with a quiet, noisy or reverberant test utterance; and the
# DER of clustered windows.
#
# No network, no GPU; for speech see ../baseline. One pass gives all taps, but no quantized ones where codebooks are empty;
# logmel has one tap, which is drawn across all depths. conf/train.yaml is for probes of speakers, conf/windows.yaml for those
# on windows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
. parse_options.sh
. recipe.sh
. taps.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
find_trials
if stage 2 "conversations, sentences that all read, degraded trials"; then
  simulate_conversations
  if [[ -d $corpus/npvcc2016 ]]; then prepare_texts "$corpus"; fi
  degrade_trials "${trials[0]}"
fi
find_train
if stage 3 "all taps of $encoder"; then
  pool_taps "$train"
  pool_trials "${trials[0]}"
  pool_windows sim_train -- --limit 30
  pool_windows sim_dev sim_test
fi
if stage 4 "probes"; then
  train_taps speakers "$train" "$train_config"
  train_taps windows "$data/sim_train" conf/windows.yaml
fi
if stage 5 "scores"; then
  score_all "${trials[0]}"
  cluster_taps windows sim_dev sim_test
  score_baselines sim_test
fi
if stage 6 "table and figure"; then report; draw_depth; fi
