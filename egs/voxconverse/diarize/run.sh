#!/usr/bin/env bash
# The diarizers that come with mimidiar on VoxConverse (debates, news and talk shows, 1 to 21 speakers), run as their users run
# them: the one public set of no meetings with published figures of many others, which the table shows apart. Nothing is trained
# or tuned. Choices belong to the dev set (--sets voxconverse_dev), the test set is for what is final.
#
# Needs (rates in ../../README.md): VoxConverse (6.3 GB to download, 7.5 GB unpacked, 64 hours); no GPU; stage 5 2.7 core-hours,
# of them 2 for mini-fusion and 0.6 for mini, and 50 MB. Nothing else should run beside stage 5 where its times count.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
seed=0                             # of records; nothing here is random
models="mini mini-fusion"          # diarizers: names of `mimidiar diarize`, or files
sets="voxconverse_dev voxconverse_test"  # of these two
rounds=1                           # how often each diarizer is run, in turn with the others
cores=1                            # which each may use
# --- end of options ---
. parse_options.sh
. recipe.sh
. peers.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 5 "diarizers in turn, and their scores"; then
  find_systems
  for set in $sets; do run_systems "$set"; score_baselines "$set"; done
fi
if stage 6 "table"; then report; fi
