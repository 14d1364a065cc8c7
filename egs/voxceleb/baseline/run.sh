#!/usr/bin/env bash
# Exp 1: does frozen Mimi encode the speaker? One vector per utterance (the mean of its frames), cosine, equal error rate
# on the trials VoxCeleb1-O cleaned. Nothing is trained, and nothing is random.
#
# Needs (rates in ../../README.md): VoxCeleb1 (34 GB to download, 42 GB unpacked); stage 1 1 core-hour, most of it for speech
# segments; stage 3 32 GB, 18 core-hours, shared with ../probe; stage 5 15 core-minutes.
# The test part of the corpus is enough, without the centered scores: --settings "vad=true parts=[test]": 2.5 GB; stage 3 1 GB,
# 0.6 core-hours.
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
if stage 3 "features of $encoder"; then
  if [[ -d $data/train ]]; then extract_features train; fi
  extract_features "${trials[@]}"
fi
if stage 5 "scores"; then for set in "${trials[@]}"; do score_poolings "$set"; done; fi
if stage 6 "table"; then report; fi
