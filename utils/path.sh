# shellcheck shell=bash
# Sourced first by each recipe, through a link in its folder: the environment, the same on every machine.
# Installs what is missing (tools/install.sh does nothing when all is there).

MIMIDIAR_ROOT="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
export MIMIDIAR_ROOT
# Nobody who asks what a script does has asked for an environment.
case " $* " in
  *" --help "* | *" -h "*) ;;
  *) "$MIMIDIAR_ROOT/tools/install.sh" || return 1 ;;
esac

# A recipe may be called by another one: the folders enter PATH once.
case ":$PATH:" in
  *":$MIMIDIAR_ROOT/utils:"*) ;;
  *) export PATH="$MIMIDIAR_ROOT/tools/venv/bin:$MIMIDIAR_ROOT/utils:$PATH" ;;
esac

# One thread per process, parallel by --nj: quicker on small machines, and the same sums on all of them.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# The order of sets and of sorted lines is part of the result.
export PYTHONHASHSEED=0 LC_ALL=C LC_NUMERIC=C
