#!/usr/bin/env bash
# Exp 1.5: one linear layer from the pooled codec feature to the training speakers; cosine in the layer's output space.
#
# Scored twice: on speakers it never saw, which is the result; and, as the ancestor did, trained on the very utterances
# of the trials, which tells how well one layer can memorise. Needs no network and no GPU; for speech see ../baseline.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./path.sh
. ./cmd.sh
# --- options ---
stage=1                            # first stage: 0 download, 1 data, 3 features, 4 training, 5 scores, 6 table
stop_stage=6                       # last stage
nj=2                               # parallel jobs, one thread each
ngpu=0                             # 1: features on a GPU
force=false                        # do a stage again whose settings or inputs changed
tag=                               # name of the experiment, else that of the encoder: results go to exp/<tag>/seed<seed>
seed=1                             # seed of the probe's weights
train_config=conf/train.yaml       # the corrected probe; conf/ancestor.yaml has the ancestor's settings
encoder=mimi-random                # see `mimidiar extract --help`
tap=                               # where the codec is read; the latent unless named
checkpoint=                        # weights of the encoder, if it needs a file
corpus=${MIMIDIAR_MINI_CORPUS:-}   # folder with real speech, see egs/README.md
limit_speakers=0                   # speakers per corpus and split; 0: all
data=../data                       # manifests, shared by the recipes of egs/mini
feats=../feats                     # features, likewise
exp=exp                            # experiments
record=false                       # stage 6: also write RESULTS.md
# --- end of options ---
. parse_options.sh
. stages.sh
. ../local/corpus.sh
feats=$feats/$encoder${tap:+.$tap} tag=${tag:-$encoder${tap:+.$tap}} dir=$exp/$tag/seed$seed

if stage 0 "download"; then download_corpus; fi
if stage 1 "data"; then prepare_corpus; fi
mapfile -t sets < <(trial_sets)
if stage 3 "features of $encoder"; then extract_features train "${sets[@]}"; fi
# The probe of unseen speakers learns from `train`; each leaky one from the utterances that it is scored on.
if stage 4 "training"; then
  for set in train "${sets[@]}"; do
    config=conf/ancestor.yaml
    if [[ $set == train ]]; then config=$train_config; fi
    stage.py --out "$dir/probe_$set" --force "$force" --input "$feats/$set" --input "$config" -- \
      mimidiar probe "$data/$set" "$feats/$set" "$dir/probe_$set" --config "$config" --seed "$seed"
  done
fi
if stage 5 "scores"; then
  for set in "${sets[@]}"; do
    for probe in train "$set"; do
      out=$dir/$set/unseen
      if [[ $probe != train ]]; then out=$dir/$set/leaky; fi
      stage.py --out "$out" --force "$force" --input "$dir/probe_$probe" --input "$feats/$set" -- \
        mimidiar embed "$data/$set" "$feats/$set" "$out" --probe "$dir/probe_$probe/model.safetensors" ::: \
        mimidiar verify "$out/scores" "$data/$set/trials" -o "$out"
    done
  done
fi
if stage 6 "table"; then report verification; fi
