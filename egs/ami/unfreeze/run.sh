#!/usr/bin/env bash
# Exp 2.5: what does training Mimi's last layers with the adapter bring, and how do the tokens change that a language model
# reads? From the adapter of ../adapter and from scratch; DER against token drift for three strengths of a term that keeps the
# latent near the frozen codec's. Settings of the original study: --systems scratch --scratch-config conf/ancestor.yaml
# --adapter-config ../adapter/conf/ancestor.yaml --tag mimi-ancestor; its data: add --leaky true, and -leaky to the tag.
#
# Needs (rates in ../../README.md): what ../adapter needs, and stage 3 129 GB, 76 core-hours; stage 4 90 core-hours for a system
# that starts from the adapter, 860 from scratch (a GPU's hours were not measured); stage 5 8 core-hours for six systems.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
scratch_config=conf/scratch.yaml   # with a fresh adapter; conf/train.yaml is for the trained one
adapter_config=../adapter/conf/train.yaml  # of ../adapter
adapter_exp=                       # where its experiments lie, by default beside those of this recipe
tap=transformer.4                  # the last one below the layers that are trained
decode_sec=60                      # seconds of each recording whose decoded audio is compared
systems="further warm scratch near-weak near-medium near-strong"   # see conf/systems.yaml
# --- end of options ---
. parse_options.sh
. recipe.sh
. unfreeze.sh

if stage 0 "download"; then download_corpora; fi
if stage 1 "data"; then prepare_corpora; fi
if stage 2 "simulation"; then simulate_conversations; fi
if stage 3 "features of $encoder"; then
  on_adapter extract_features "${all_sets[@]}"
  extract_features "${all_sets[@]}"
  fill_codebooks "${train_sets[0]}"
fi
if stage 4 "training"; then
  on_adapter train_adapter "${train_sets[@]}" -- "${dev_sets[@]}"
  each_system "$systems" train_adapter "${train_sets[@]}" -- "${dev_sets[@]}"
fi
if stage 5 "posteriors, post-processing tuned on ${dev_sets[0]}, scores, drift"; then
  on_adapter score_sets "${dev_sets[0]}" "${test_sets[@]}"
  each_system "$systems" score_and_compare "${dev_sets[0]}" "${test_sets[@]}"
  score_baselines "${test_sets[@]}"
fi
if stage 6 "table"; then report_also=("$adapter_place/$experiment"); report; draw_tradeoff; fi
