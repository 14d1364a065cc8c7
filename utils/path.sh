# shellcheck shell=sh disable=SC3028,SC3054
# Sourced by recipes, through a link in their folders, and in a shell of your own (bash, zsh, or dash inside of the project):
# puts `mimidiar` and the scripts of utils/ on the PATH, and changes nothing else. Installs what is missing
# (tools/install.sh does nothing when all is there).

PATH=$(
  # bash and zsh know where this file is; a plain sh knows only the current folder, which the project lies above.
  if [ -n "${BASH_VERSION-}" ]; then here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
  elif [ -n "${ZSH_VERSION-}" ]; then eval 'here=${${(%):-%x}:A:h}'
  else here=$PWD; fi
  while [ "$here" != / ] && [ ! -f "$here/utils/path.sh" ]; do here=$(dirname "$here"); done
  if [ "$here" = / ]; then
    echo "path.sh: error: cd into the project first, where this shell finds it" >&2
    printf %s "$PATH"
    exit 1
  fi
  # --help of a script needs no environment.
  case " $* " in
    *" --help "* | *" -h "*) ;;
    *) "$here/tools/install.sh" >&2 || { printf %s "$PATH"; exit 1; } ;;
  esac
  # A recipe may be called by another script: the folders enter PATH once.
  case ":$PATH:" in
    *":$here/utils:"*) printf %s "$PATH" ;;
    *) printf %s "$here/tools/venv/bin:$here/utils:$PATH" ;;
  esac
) || return 1
export PATH
