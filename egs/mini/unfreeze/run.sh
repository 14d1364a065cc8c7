#!/usr/bin/env bash
# Exp 2.5: what does training the codec's last layer with the adapter bring, and how do the codec's tokens change? From the
# adapter of ../adapter and from scratch; DER against token drift for three strengths of a term that keeps the latent near the
# frozen codec's. The untrained codec has one such layer to train, and codebooks filled here. For speech see ../baseline.
#
# Needs no GPU. On one core: 7 minutes for the features, and for ../adapter what it needs; then 11 for each seed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
scratch_config=conf/scratch.yaml   # with a fresh adapter; conf/train.yaml is for the trained one
adapter_config=../adapter/conf/train.yaml  # of ../adapter
adapter_exp=                       # where its experiments lie, by default beside those of this recipe
tap=transformer.0                  # the last one below the layers that are trained
decode_sec=2                       # seconds of each recording whose decoded audio is compared
systems="scratch further warm near-weak near-medium near-strong"   # see conf/systems.yaml
# --- end of options ---
. parse_options.sh
. recipe.sh
. unfreeze.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then simulate_conversations; fi
find_tests
if stage 3 "features of $encoder"; then
  on_adapter extract_features sim_train sim_dev "${tests[@]}"
  extract_features sim_train sim_dev "${tests[@]}"
  fill_codebooks sim_train
fi
if stage 4 "training"; then
  on_adapter train_adapter sim_train -- sim_dev
  each_system "$systems" train_adapter sim_train -- sim_dev
fi
if stage 5 "posteriors, post-processing tuned on sim_dev, scores, drift"; then
  on_adapter score_sets sim_dev "${tests[@]}"
  each_system "$systems" score_and_compare sim_dev "${tests[@]}"
  score_baselines "${tests[@]}"
fi
if stage 6 "table"; then report_also=("$adapter_place/$experiment"); report; draw_tradeoff; fi
