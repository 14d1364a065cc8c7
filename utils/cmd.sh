# shellcheck shell=bash
# Sourced by each recipe: how jobs are started. A command here is called as
#
#   $cmd [JOB=1:N] [--gpu N] [--mem 8G] [--time 4:00:00] LOG COMMAND...
#
# runs COMMAND (for each JOB, in parallel) with its output in LOG, and ends with 0 only if all jobs did. run.py does so on
# this machine. A cluster needs one program with the same call; then, in the environment or in a copy of this file:
#
#   export MIMIDIAR_CMD="my_cluster.py --partition short"
#   export MIMIDIAR_CUDA_CMD="my_cluster.py --partition gpu --gpu 1"

export cmd="${MIMIDIAR_CMD:-run.py}"
# For what trains or runs on a GPU: cmd="$cuda_cmd" stage.py ...
export cuda_cmd="${MIMIDIAR_CUDA_CMD:-run.py --gpu 1}"
