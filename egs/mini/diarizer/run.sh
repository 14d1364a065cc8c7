#!/usr/bin/env bash
# Diarizers that come with mimidiar: on the codec and CAM++ (mini-fusion), on the distilled codec alone (mini), trained on
# conversations that are simulated on the fly; and ablations of both. For speech see ../baseline. With --ship true they go into
# the package; with --models shipped those of the package are tuned and scored again, and nothing is trained.
#
# Needs no GPU. Processor time: an hour and more for the features of the conversations of the first system, and again for plain,
# which has its own conversations (the rest share the first ones, with other codecs), half an hour for each training; 4 GB for
# these features, in exp/pool, which may be deleted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
probe_config=../probe/conf/train.yaml      # of the probe by which the codec's own frames are embeddings
talk_config=conf/talks.yaml        # the conversations that are tuned on
turns=conf/turns.yaml              # statistics of turn-taking (local/measure_turns.py)
window_sec=20                      # length of a window, in seconds
hop_sec=5                          # from one window to the next: the mean of the four over each moment counts
encoder=mimi-mini                  # the codec, see `mimidiar feats extract --help`
speaker=campplus                   # the speaker encoder
speaker_tap=window1.5-hop0.6-speech  # its windows; 0 where silero-vad finds no speech
speaker_checkpoint=                # its weights, if it needs a file
systems="fusion plain untrained distil mimi random"  # see conf/systems.yaml
models=trained                     # shipped: those of the package, for --systems "fusion distil"
allow_worse=false                  # true: also a diarizer that is worse than a trivial baseline, as of a smoke run
loaders=2                          # processes that simulate and encode conversations, beside the one that trains
ship=false                         # stage 6: also put fusion and distil into the package, as mini-fusion and mini
# --- end of options ---
. parse_options.sh
. recipe.sh
. fusion.sh
. diarizer.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then simulate_conversations; draw_conversations; fi
if stage 3 "features of the conversations that are tuned on"; then each_system "$systems" extract_system train talk_dev; fi
if stage 4 "training"; then each_system "$systems" train_system train talk_dev; fi
find_tests
if stage 5 "diarizers, tuned on talk_dev, and scores"; then
  each_system "$systems" score_diarizer talk_dev "${tests[@]}"
  score_baselines "${tests[@]}"
fi
if stage 6 "table"; then
  report
  if [[ $ship == true ]]; then each_system "$systems" ship_diarizer; fi
fi
