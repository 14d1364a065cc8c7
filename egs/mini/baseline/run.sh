#!/usr/bin/env bash
# Exp 1: does the frozen codec encode the speaker? One vector per utterance (the mean of its frames), cosine, equal
# error rate, on trials of unseen speakers. Nothing is trained, and nothing is random.
#
# Needs no network and no GPU. Speech: --corpus, else a downloaded mini LibriSpeech (--stage 0), else synthetic voices.
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
if stage 5 "scores"; then for set in "${trials[@]}"; do score_poolings "$set"; done; fi
if stage 6 "table"; then report; fi
