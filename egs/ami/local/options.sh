# shellcheck shell=bash disable=SC2034
# Sourced by options.sh: what the recipes of egs/ami share.
# --- options ---
# egs/ami:
ami=                    # folder with AMI; by default it is searched for, see egs/README.md
librispeech=            # folder with LibriSpeech, likewise
musan=                  # folder of MUSAN: sounds for half of the simulated training conversations
rirs=                   # folder of RIRS_NOISES: simulated rooms for half of them
mic=mix                 # mix: the headsets together (Mix-Headset); sdm: one microphone on the table
reference=              # only_words, segments, or a folder of RTTM files (forced alignments); by default only_words,
                        # with --leaky segments, as in the original study
leaky=false             # true: the data of the original study, which tests on training data
skip_missing=false      # true: go on with an incomplete corpus
sim_config=             # the simulated conversations, by default ../conf/simulate.yaml
window_sec=90           # length of a window, in seconds; windows overlap by half
original_metric=true    # stage 5 also scores by the metric of the original study
# --- end of options ---
