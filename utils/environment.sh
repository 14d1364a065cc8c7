# shellcheck shell=bash
# Sourced by the scripts of this project, never in a shell of yours: where the project lies, and what keeps results the same
# on every machine.

MIMIDIAR_ROOT="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
export MIMIDIAR_ROOT
# One thread per process, parallel by --nj: faster on small machines, and the same sums on all of them.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# The order of sets and of sorted lines is part of the result.
export PYTHONHASHSEED=0 LC_ALL=C LC_NUMERIC=C
