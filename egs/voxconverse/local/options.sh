# shellcheck shell=bash disable=SC2034
# Sourced by options.sh: what the recipes of egs/voxconverse share.
# --- options ---
# egs/voxconverse:
corpus=                 # folder with VoxConverse; by default it is searched for, see egs/README.md
skip_missing=false      # true: go on with an incomplete corpus
# --- end of options ---
