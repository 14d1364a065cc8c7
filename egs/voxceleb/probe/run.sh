#!/usr/bin/env bash
# Exp 1.5: one linear layer from Mimi's pooled feature to the training speakers; cosine in the layer's output space.
#
# Three probes: the corrected one and one with the settings of the original study, trained on the dev part, whose speakers are
# in no trial; and one trained, as in the original study, on all utterances of the test part, which the trials are made of:
# leaky.
#
# Needs (rates in ../../README.md): VoxCeleb1 (34 GB to download, 42 GB unpacked); stage 1 1 core-hour; stage 3 33 GB, 18
# core-hours, all but 1 GB of it shared with ../baseline; stages 4 and 5 half a core-hour for each seed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
. parse_options.sh
. recipe.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
find_trials
if stage 3 "features of $encoder"; then extract_features train test "${trials[@]}"; fi
if stage 4 "training"; then
  train_probe "$dir/probes/corrected" train "$train_config"
  train_probe "$dir/probes/ancestor" train conf/ancestor.yaml
  train_probe "$dir/probes/leaky" test conf/ancestor.yaml
fi
if stage 5 "scores"; then
  for set in "${trials[@]}"; do score_probes "$set" corrected ancestor; done
  score_probes trials_o_cleaned leaky
fi
if stage 6 "table"; then report; fi
