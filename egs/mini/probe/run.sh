#!/usr/bin/env bash
# Exp 1.5: one linear layer from the pooled codec feature to the training speakers; cosine in the layer's output space.
#
# Three probes: the corrected one and one with the settings of the original study, scored on unseen speakers; and one
# trained, as in the original study, on the very utterances of the trials: leaky. Needs no GPU; for speech see ../baseline.
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
if stage 3 "features of $encoder"; then extract_features train "${trials[@]}"; fi
if stage 4 "training"; then
  train_probe "$dir/probes/corrected" train "$train_config"
  train_probe "$dir/probes/ancestor" train conf/ancestor.yaml
  for set in "${trials[@]}"; do train_probe "$dir/probes/leaky_$set" "$set" conf/ancestor.yaml; done
fi
if stage 5 "scores"; then
  for set in "${trials[@]}"; do score_probes "$set" corrected ancestor "leaky_$set"; done
fi
if stage 6 "table"; then report; fi
