#!/usr/bin/env bash
# Exp 2: an adapter on frozen Mimi, trained on AMI's meetings and on conversations simulated from LibriSpeech, tuned on AMI's
# dev part and scored on its test part (no collar, overlap scored, references only_words) and on simulated conversations.
#
# Model and schedule of the original study on the same data: --train-config conf/ancestor.yaml --tag mimi-ancestor. Its data,
# too, for comparison only: --train-config conf/ancestor.yaml --leaky --tag mimi-ancestor-leaky.
#
# Needs (rates in ../../README.md): AMI Mix-Headset 11 GB, LibriSpeech train-clean-100, dev-clean and test-clean 14 GB with
# their archives; stage 2 44 GB, 3 core-hours; stage 3 65 GB, 36 core-hours; stage 4 270 core-hours (conf/ancestor.yaml
# 140), on a GPU some hours (an estimate: not measured); stage 5 15 core-minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
. parse_options.sh
. recipe.sh

if stage 0 "download"; then download_corpora; fi
if stage 1 "data"; then prepare_corpora; fi
if stage 2 "simulation"; then simulate_conversations; fi
if stage 3 "features of $encoder"; then extract_features "${all_sets[@]}"; fi
if stage 4 "training"; then train_adapter "${train_sets[@]}" -- "${dev_sets[@]}"; fi
if stage 5 "posteriors, post-processing tuned on ${dev_sets[0]}, scores"; then
  score_sets "${dev_sets[0]}" "${test_sets[@]}"
  score_baselines "${test_sets[@]}"
fi
if stage 6 "table"; then report; fi
