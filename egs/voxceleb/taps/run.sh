#!/usr/bin/env bash
# At which depth of Mimi is the speaker information? At every tap (SEANet, 8 transformer layers, the latent, 1 to 32 codebooks) the
# equal error rate of pooled features, of a linear probe on unseen speakers, of quiet, noisy and reverberant tests, of sentences
# that several speakers read (--texts), and the DER of clustered windows of mixtures. The control is --encoder mimi-random-full,
# without quantized taps, since its codebooks are empty.
#
# Needs (rates in ../../README.md): VoxCeleb1 (34 GB to download, 42 GB unpacked); MUSAN and RIRS_NOISES where they are named,
# else noise and rooms are made up; stage 2 4 GB, 1 core-hour; stage 3 3 GB, 21 core-hours, on a GPU half an hour (an estimate:
# not measured); stage 4 1 core-hour, 2 GB of memory; stage 5 20 core-minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
train_utterances=30000             # of the dev part, for the probes: all 144 thousand need five times the hours
texts=                             # folder with utterances of one sentence by several speakers, see mimidiar/corpora/texts.py
musan=                             # folder of MUSAN: its noises
rirs=                              # folder of RIRS_NOISES: its simulated rooms
# --- end of options ---
. parse_options.sh
. recipe.sh
. taps.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; prepare_sounds; fi
find_trials
if stage 2 "mixtures, sentences that all read, degraded trials"; then
  mix_utterances
  if [[ -n $texts ]]; then prepare_texts "$texts"; fi
  degrade_trials trials_o_cleaned
fi
find_train
if stage 3 "all taps of $encoder"; then
  pool_taps "$train" -- --limit "$train_utterances"
  pool_trials trials_o_cleaned
  pool_windows sim_dev sim_test
fi
if stage 4 "probes"; then train_taps speakers "$train" "$train_config"; fi
if stage 5 "scores"; then score_all trials_o_cleaned; cluster_taps speakers sim_dev sim_test; score_baselines sim_test; fi
if stage 6 "table and figure"; then report; draw_depth; fi
