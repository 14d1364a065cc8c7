#!/usr/bin/env bash
# Exp 3: what does a speaker encoder add to the codec? The adapter of Exp 2 on the codec alone, on speaker embeddings alone, and
# on both: side by side, as in the original study, and as similarity to the embeddings of the speakers in the window. For
# speech see ../baseline. Model and schedule of the original study: --train-config ../adapter/conf/ancestor.yaml.
#
# Needs no GPU. Processor time on a busy machine: 6 minutes for the codec's features, 9 for the embeddings of CAM++, 5 for
# each seed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
speaker=campplus                   # the speaker encoder
speaker_tap=window1.5-hop1.2-speech  # its windows; 0 where silero-vad finds no speech
speaker_checkpoint=                # its weights, if it needs a file
systems="mimi speaker concat voices likeness"   # see conf/systems.yaml
# --- end of options ---
. parse_options.sh
. recipe.sh
. fusion.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "simulation"; then simulate_conversations; fi
find_tests
if stage 3 "features of $encoder and $speaker"; then extract_streams sim_train sim_dev "${tests[@]}"; fi
if stage 4 "training"; then each_system "$systems" train_adapter sim_train -- sim_dev; fi
if stage 5 "posteriors, post-processing tuned on sim_dev, scores"; then
  each_system "$systems" score_sets sim_dev "${tests[@]}"
  score_baselines "${tests[@]}"
fi
if stage 6 "table"; then report; fi
