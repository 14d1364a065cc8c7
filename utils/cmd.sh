# shellcheck shell=bash
# Sourced by each recipe: how jobs are started. A command here is called as
#
#   $cmd [JOB=1:N] [--gpu N] [--cpus N] [--mem 8G] [--time 4:00:00] LOG COMMAND...
#
# runs COMMAND (for each JOB, in parallel) with its output in LOG, and ends with 0 only if all jobs did. run.py does so on
# this machine, slurm.py on a cluster; then, in the environment or in a copy of this file:
#
#   export MIMIDIAR_CMD="slurm.py --partition short"
#   export MIMIDIAR_CUDA_CMD="slurm.py --partition gpu --gpu 1"    # where it is not the same with --gpu 1

export cmd="${MIMIDIAR_CMD:-run.py}"
# For what runs on a GPU: recipe.sh takes it for such stages under --ngpu.
export cuda_cmd="${MIMIDIAR_CUDA_CMD:-$cmd --gpu 1}"
