# shellcheck shell=bash disable=SC2034
# Sourced by each recipe before its own option block: the options that recipes share, then those that the recipes of a dataset
# share (../local/options.sh). A recipe's block has what is its own, and defaults that differ. The values stay as they are
# given: what recipes derive from them has names of its own (recipe.sh).

. environment.sh
option_blocks=("${BASH_SOURCE[0]}")
# --- options ---
# What runs:
stage=1                 # first stage: 0 download, 1 data, 2 simulation, 3 features, 4 training, 5 scores, 6 table
stop_stage=6            # last stage
nj=4                    # parallel jobs, one thread each
ngpu=0                  # above 0: features on a GPU, training on this number of GPUs
force=false             # start a stage again whose settings or inputs changed
record=false            # stage 6: also keep the records in results/, and write all tables
# The experiment:
tag=                    # its name, by default that of the encoder[-musan][-rirs][-16bit]: results in exp/<tag>/seed<seed>
seed=1                  # seed of all that is random
train_config=conf/train.yaml   # configuration of the training, where there is one
encoder=mimi            # see `mimidiar feats extract --help`
tap=                    # layer (tap) of the codec to extract, by default the latent
checkpoint=             # weights of the encoder, by default those that come with it, $MIMI_CHECKPOINT, or the hub
compress=false          # true: features in 16 bits, in folders of their own: half the disk space
original_metric=false   # true: stage 5 also scores by the metric of the original study, for tables that show it
# Folders:
data=../data            # manifests, shared by the recipes of a dataset
feats=../feats          # features, likewise
exp=exp                 # experiments
# --- end of options ---
if [[ -f ../local/options.sh ]]; then
  option_blocks+=(../local/options.sh)
  # shellcheck source=/dev/null
  . ../local/options.sh
fi
