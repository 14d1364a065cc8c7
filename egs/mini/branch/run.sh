#!/usr/bin/env bash
# Who speaks, from short windows? Two windows of a conversation, of 0.5 to 3 s, are of one speaker or of two: the equal error
# rate of that decision, for the codec's frames, the log-mel spectrum, and a speaker encoder on the audio of the windows; on
# talk_dev, where systems are chosen, and on its twin talk_test, of other speakers. For speech see ../baseline.
#
# Needs no GPU. Processor time: 3 minutes for the conversations, 15 for the features, 5 for the windows of CAM++.
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
systems="logmel random mini distil campplus logmel-centered random-centered mini-centered distil-centered"  # see conf/systems.yaml
# --- end of options ---
. parse_options.sh
. recipe.sh
. branch.sh

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
if stage 2 "conversations"; then
  draw_talks dev "$talk_config"
  draw_talks test "$twin_config"
fi
if stage 3 "features"; then each_system "$systems" extract_system talk_dev talk_test; fi
if stage 5 "pairs of windows, and scores"; then
  choose_pairs talk_dev talk_test
  each_system "$systems" score_system talk_dev talk_test
fi
if stage 6 "table"; then report; fi
