#!/usr/bin/env bash
# The adapter's proof of concept: frozen Mimi and the adapter in one training loop, on mixtures of two utterances of VoxCeleb1's
# dev part, made on the fly. Tuned on mixtures of held-out speakers of the dev part and scored on mixtures of the test part, both
# written once.
#
# Model and labels of the original study on the same data: --train-config conf/ancestor.yaml --tag mimi-ancestor. Its speakers,
# too, 32 and 8 of the test part, for comparison only: --train-config conf/ancestor.yaml --leaky --tag mimi-ancestor-leaky.
#
# Needs (rates in ../../README.md): VoxCeleb1 (34 GB to download, 42 GB unpacked); stage 1 1 core-hour; stage 2 0.4 GB; stage 3
# 0.6 GB, 0.4 core-hours; stage 4 1.1 core-hours for each of at most 50 epochs, in one process, on a GPU some hours in all (an
# estimate: not measured); stage 5 5 core-minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
window_sec=30                      # length of a window, in seconds; no mixture is longer
leaky=false                        # true: the data of the original study, training and tuning on speakers of the test part
musan=                             # folder of MUSAN: sounds for half of the training mixtures
rirs=                              # folder of RIRS_NOISES: simulated rooms for half of them
original_metric=true               # stage 5 also scores by the metric of the original study
# --- end of options ---
. parse_options.sh
. recipe.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; prepare_sounds; fi
if stage 2 "mixtures"; then mix_utterances; fi
if stage 3 "features of $encoder"; then extract_features "$dev_set" "$test_set"; fi
if stage 4 "training"; then train_on_mixtures train; fi
if stage 5 "posteriors, post-processing tuned on $dev_set, scores"; then
  score_sets "$dev_set" "$test_set"
  score_baselines "$test_set"
fi
if stage 6 "table"; then report; fi
