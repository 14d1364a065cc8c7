#!/usr/bin/env bash
# Exp 3: what does a speaker encoder add to Mimi? The adapter of Exp 2 on Mimi alone, on TitaNet's embeddings alone, and on
# both: side by side (704 dimensions, as in the original study), and as similarity to the embeddings of the speakers in the
# window. Data and scores as in ../adapter.
#
# Model and schedule of the original study: --train-config ../adapter/conf/ancestor.yaml --speaker-tap window1.5-hop0.2 --tag
# mimi-ancestor; its data, too, for comparison only: add --leaky true, and -leaky to the tag. Unlike there, embeddings stand
# where they belong in time.
#
# Needs (rates in ../../README.md): corpora and stage 2 as ../adapter; stage 3 90 GB, 160 core-hours (of them 120 for TitaNet;
# window1.5-hop0.2 360); stage 4 270 core-hours a system, on a GPU some hours (an estimate: not measured); stage 5 75
# core-minutes for five systems.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
train_config=../adapter/conf/train.yaml   # ../adapter/conf/ancestor.yaml has the model and schedule of the original study
speaker=titanet                    # the speaker encoder; campplus needs no download
speaker_tap=window1.5-hop0.6-speech   # its windows; 0 where silero-vad finds no speech
speaker_checkpoint=                # its weights, by default $TITANET_CHECKPOINT, or the hub
systems="mimi speaker concat voices likeness"   # see conf/systems.yaml
# --- end of options ---
. parse_options.sh
. recipe.sh
. fusion.sh

if stage 0 "download"; then download_corpora; fi
if stage 1 "data"; then prepare_corpora; fi
if stage 2 "simulation"; then simulate_conversations; fi
if stage 3 "features of $encoder and $speaker"; then extract_streams "${all_sets[@]}"; fi
if stage 4 "training"; then each_system "$systems" train_adapter "${train_sets[@]}" -- "${dev_sets[@]}"; fi
if stage 5 "posteriors, post-processing tuned on ${dev_sets[0]}, scores"; then
  each_system "$systems" score_sets "${dev_sets[0]}" "${test_sets[@]}"
  score_baselines "${test_sets[@]}"
fi
if stage 6 "table"; then report; fi
