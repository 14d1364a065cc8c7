#!/usr/bin/env bash
# moshi's quantizer: each training step fills one more codebook; the later ones have as many vectors as there were steps, and
# encode and decode with them say nothing. A large batch does not help.
#
# Expected: the k-means at the start of training fills all codebooks from the first batch, or encoding with a codebook that was
#   never filled is refused.
# Happens: a codebook is filled only if the one before it was filled in an earlier step, so that n acoustic codebooks take n
#   steps (more with q_dropout, which leaves later ones out of a step). Until then it has one vector more with each step,
#   and zeros; none at all where batches have fewer frames than codes, as the codebooks before it leave no residual.
# Who meets it: whoever trains a small codec of moshi's classes for a short test, or saves or exports early.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "moshi==0.2.13" "torch==2.9.1" "numpy==2.2.6" 2> /dev/null
venv/bin/python - << 'PY'
from importlib.metadata import version

import torch
from moshi.quantization import SplitResidualVectorQuantizer

print("moshi", version("moshi"), "- torch", torch.__version__)
torch.manual_seed(0)
quantizer = SplitResidualVectorQuantizer(
    dimension=16, input_dimension=16, output_dimension=16, n_q=8, n_q_semantic=1, bins=32
).train()
layers = quantizer.rvq_rest.vq.layers
latent = torch.randn(64, 16, 100)  # 200 frames for each code, more than enough for all codebooks at once

for step in range(1, 8):
    quantizer(latent, 12.5)
    vectors = [int(layer._codebook.embedding_sum.any(1).sum()) for layer in layers]
    print(f"after step {step}: vectors other than 0 in the seven acoustic codebooks of 32: {vectors}")
    assert vectors == [32] * step + [step] * (7 - step), "they are filled in another way now"
    if step == 2:
        quantizer.eval()
        codes = quantizer.encode(latent)[:, 1:]  # without the semantic codebook
        different = [len(codes[:, number].unique()) for number in range(7)]
        print("  different codes of 6,400 frames in each, from encode, which raises nothing:", different)
        assert different[0] > 16 and all(number <= 3 for number in different[2:])
        quantizer.train()
PY
