#!/usr/bin/env bash
# Exp 2: an adapter on the frozen codec, trained on simulated conversations, scored on simulated conversations of unseen
# speakers and on real meeting excerpts, which are never trained or tuned on. For speech see ../baseline.
#
# Model and schedule of the original study: --train-config conf/ancestor.yaml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
original_metric=true    # stage 5 also scores by the metric of the original study
# --- end of options ---
. parse_options.sh
. recipe.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then simulate_conversations; fi
find_tests
if stage 3 "features of $encoder"; then extract_features sim_train sim_dev "${tests[@]}"; fi
if stage 4 "training"; then train_adapter sim_train -- sim_dev; fi
if stage 5 "posteriors, post-processing tuned on sim_dev, scores"; then
  score_sets sim_dev "${tests[@]}"
  score_baselines "${tests[@]}"
fi
if stage 6 "table"; then report; fi
