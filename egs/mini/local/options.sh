# shellcheck shell=bash disable=SC2034
# Sourced by options.sh: what the recipes of egs/mini share.
# --- options ---
# egs/mini:
nj=2                    # parallel jobs, one thread each
encoder=mimi-random     # see `mimidiar feats extract --help`
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0        # speakers per corpus and split, and of all conversations of a set; 0: all
sim_config=             # the simulated conversations, by default ../conf/simulate.yaml, for synthetic voices _short
window_sec=45           # length of a window, in seconds; windows overlap by half
# --- end of options ---
