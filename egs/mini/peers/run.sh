#!/usr/bin/env bash
# Our diarizers and one of others (a peer) from the package index, each run as its users run it, on the same files and cores: DER,
# speaker-count accuracy, time and memory. A peer has its own environment, with the packages of conf/.
#
# Needs a network for a peer (7.5 GB, which tools/venv shares where it is on the same disk), and no GPU. Processor time: 3
# minutes for simulated conversations; of senko 0.04 of the audio (2.5 hours) in each round. Nothing else should run beside
# stage 5.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
seed=0                             # of records; nothing here is random
models="mini mini-fusion"          # our diarizers: names of `mimidiar diarize`, or files
peers="senko"                      # those of others: VAD, CAM++ on windows, clustering; "" for none, which needs no network
sets="ami_excerpts sim_test chain_test"  # of those that are there
rounds=3                           # how often each system is run, in turn with the others
cores=2                            # which each may use
chain_config=../conf/chain.yaml    # the conversations of chain_test
replay_config=../conf/replay.yaml  # those of quick, quick_dev, crowd and crowd_dev, which --sets may also name
# --- end of options ---
. parse_options.sh
. recipe.sh
. peers.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then
  if wanted sim_test; then simulate_conversations; fi
  if wanted chain_test; then simulate_chain; fi
  if wanted quick quick_dev crowd crowd_dev; then replay_turns; fi
fi
if stage 4 "peers"; then for peer in $peers; do install_peer "$peer"; done; fi
if stage 5 "systems in turn, and their scores"; then
  find_systems
  for set in $sets; do
    if left_out "$set"; then continue; fi
    run_systems "$set"
    score_baselines "$set"
  done
fi
if stage 6 "table"; then report; fi
