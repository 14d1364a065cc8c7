# shellcheck shell=bash disable=SC2034
# Sourced by options.sh: what the recipes of egs/voxceleb share.
# --- options ---
# egs/voxceleb:
corpus=                 # folder with VoxCeleb1; by default it is searched for, see egs/README.md
settings=vad=true       # of `mimidiar data prepare voxceleb1`, separated by blanks
limit_speakers=0        # speakers of each set; 0: all
mix_config=             # the written mixtures, by default ../conf/mixtures.yaml
# --- end of options ---
