#!/usr/bin/env bash
# mimi-mini: a small Mimi trained from scratch on the training speakers, in less than two hours on two cores; the
# audio it decodes of unseen speakers, and the equal error rate of its latent, before and after training.
# conf/distil.yaml: half an hour more of training, in which its latent also predicts the speaker embedding of CAM++.
# conf/train_gpu.yaml: longer, on a GPU (--ngpu 1).
#
# Needs no network and no GPU. For speech see ../baseline. Decoded audio: exp/<tag>/seed<seed>/dev/sound/examples.
# `mimidiar model ship` puts exp/<tag>/seed<seed>/export into the package; conf/card*.md are the texts of the cards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
encoder=mimi-mini                  # the codec that is trained
start_from=                        # weights to start from; conf/distil.yaml: by default those of conf/train.yaml, of this seed
speaker_tap=window3-hop1.5-speech  # of CAM++, whose mean over an utterance is the target of conf/distil.yaml
examples=6                         # number of recordings to write as audio files
# --- end of options ---
. parse_options.sh
. recipe.sh
. codec.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
find_trials
if stage 3 "speaker embeddings, where they are distilled"; then extract_targets train; fi
if stage 4 "training"; then train_codec train; fi
if stage 5 "sound and speakers, before training and after"; then
  untrained judge dev "${trials[@]}"
  judge dev "${trials[@]}"
fi
if stage 6 "table and curves"; then report_both; draw_curves; fi
