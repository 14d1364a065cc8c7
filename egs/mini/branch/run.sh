#!/usr/bin/env bash
# The speaker branch: a small network beside a frozen codec that says every 80 ms who speaks. It reads what the codec passes from
# module to module, the log-mel spectrum of its audio, or both; beside the trained, the untrained and the distilled codec. Two
# windows of a conversation, of 0.5 to 3 s, are of one speaker or of two: the table has the equal error rate of that decision, by
# branches, by the codec's own frames, and by a speaker encoder; on talk_dev, where all is chosen, and on talk_test, its twin.
#
# Needs no GPU. Processor time: 3 minutes for the conversations, 20 for the teacher, half an hour for the codec's features of
# training, and 35 minutes for each branch. For speech see ../baseline.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
. options.sh
# --- options ---
encoder=mimi-mini                  # the codec, see `mimidiar feats extract --help`
speaker=campplus                   # the speaker encoder
speaker_checkpoint=                # its weights, if it needs a file
talk_config=../diarizer/conf/talks.yaml    # the conversations of talk_dev
twin_config=conf/talks.yaml        # those of talk_test
turns=../diarizer/conf/turns.yaml  # statistics of turn-taking
windows="0.5 1 1.5 3"              # lengths of windows, in seconds
pairs=10                           # pairs of one speaker, and pairs of two, in each recording and for each length
systems="branch branch-codec branch-logmel logmel random mini distil campplus"  # see conf/systems.yaml
loaders=1                          # processes that simulate and encode conversations, beside the one that trains
# --- end of options ---
. parse_options.sh
. recipe.sh
. branch.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then
  prepare_corpus
  prepare_turns
fi
if stage 2 "conversations"; then
  draw_talks dev "$talk_config"
  draw_talks test "$twin_config"
fi
if stage 3 "features"; then each_system "$systems" extract_system talk_dev talk_test; fi
find_sequences
if stage 4 "training"; then each_system "$systems" train_system train talk_dev; fi
if stage 5 "pairs of windows, and scores"; then
  each_system "$systems" extract_branch talk_dev talk_test
  choose_pairs talk_dev talk_test
  each_system "$systems" score_system talk_dev talk_test
fi
if stage 6 "table"; then report; fi
