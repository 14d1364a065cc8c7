#!/usr/bin/env bash
# Make tools/venv: Python 3.11 (not before 3.11.4) or 3.12 with exactly the packages of tools/requirements.lock and this project (editable).
#
#   tools/install.sh                        does nothing, and says nothing, when everything is in place
#   PYTHON=/path/to/python tools/install.sh
#
# After an interrupted call the next one goes on with what was downloaded; of two at once the second waits. To start from nothing, remove
# tools/venv. To put its 9 GB on another disk, make tools/venv a link to a folder there.
set -euo pipefail
root="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
venv="$root/tools/venv"
stamp="$venv/.installed"
need_mb=8850   # what the environment takes; the download cache of uv shares its files where the disk is the same
log="" state_before=""

fail() { echo "tools/install.sh: error: $*" >&2; exit 1; }

# The state of a finished environment: what was installed, with which Python, and where (scripts in bin/ hold the path).
wanted_state() {
  local hash
  hash="$(cat "$root/tools/requirements.lock" "$root/setup.py" "$venv/pyvenv.cfg" | sha256sum)"
  echo "${hash%% *} $root"
}

is_finished() { [[ -x $venv/bin/python && -f $stamp && "$(< "$stamp")" == "$(wanted_state)" ]]; }

# Before 3.11.4 tarfile knows no filters, which NeMo and the downloads of corpora unpack with.
is_right() { case "$1" in 3.11.[0-3]) return 1 ;; 3.11.* | 3.12.*) ;; *) return 1 ;; esac; }

python_version() { "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2> /dev/null; }

# Prints the Python to build with. A command may exist and not run (a pyenv shim), so each is tried.
find_python() {
  local name version seen="" names=(python3.12 python3.11 python3)
  if [[ -n ${PYTHON:-} ]]; then names=("$PYTHON"); fi
  for name in "${names[@]}"; do
    version="$(python_version "$name")" || continue
    if is_right "$version"; then command -v "$name"; return; fi
    seen+=", found ${PYTHON:+PYTHON=}$name, which is $version"
  done
  fail "needs Python 3.12, or 3.11 from 3.11.4 on${seen:-, found none that runs}; set PYTHON=/path/to/python3.11"
}

# MB on the disk of tools/venv, which may be a link to a folder elsewhere.
free_space() {
  local place="$root/tools"
  if [[ -d $venv ]]; then place="$venv/"; fi
  df -Pm "$place" | awk 'NR == 2 { print $4 }'
}

# Free space is wanted only for what is not there yet.
check_disk() {
  local have_mb free_mb
  have_mb="$(du -sm "$venv/" 2> /dev/null | cut -f1 || true)"
  free_mb="$(free_space)"
  if (( free_mb < need_mb - ${have_mb:-0} )); then
    fail "tools/venv still needs $(( need_mb - ${have_mb:-0} )) MB and $free_mb MB are free on its disk: free some," \
      "or make tools/venv a link to a folder on a larger disk"
  fi
}

# The first thing that is written is the mark of an unfinished environment.
mark_unfinished() { mkdir -p "$venv" && echo "unfinished $root" > "$stamp"; }

empty_venv() { if [[ -d $venv ]]; then find "$venv/" -mindepth 1 -delete; fi; }

# Run a step with its messages in $log and, up to the first error, on the screen; then say in one line what went wrong.
step() {
  "$@" 2>&1 | tee "$log" | sed -u -E '/^ [-+~] /d; /^(error|ERROR|WARNING|  [×x]|Caused by)/,$d' >&2 && return
  if grep -qiE 'no space left|quota exceeded' "$log"; then
    fail "no space left: tools/venv takes about $need_mb MB, $(free_space) MB are free"
  elif grep -qiE 'dns error|name resolution|error sending request|failed to (fetch|download)|connection|timed out|network' "$log"; then
    # The downloads come before any change: what worked until now is left to work.
    if [[ -n $state_before ]]; then echo "$state_before" > "$stamp"; fi
    fail "the package index cannot be reached (no network?); run the same command again when it can"
  fi
  sed -E 's/^/  /' "$log" | tail -n 20 >&2
  fail "failed at: ${*//$root\//}"
}

# uv from PATH, or else put into the environment itself by pip.
find_uv() {
  if command -v uv > /dev/null; then
    uv="$(command -v uv)"
  else
    uv="$venv/bin/uv"
    if [[ -x $uv ]]; then return; fi
    # An environment made by a uv that has gone since has no pip.
    if ! "$venv/bin/python" -c 'import pip' 2> /dev/null; then step env PIP_QUIET=1 "$venv/bin/python" -m ensurepip; fi
    step "$venv/bin/python" -m pip install --quiet uv
  fi
}

make_venv() {
  local python
  python="$(find_python)"
  echo "tools/install.sh: Python $(python_version "$python") into tools/venv: about 9 GB on disk, some minutes" >&2
  check_disk
  empty_venv
  mark_unfinished
  if command -v uv > /dev/null; then
    step uv venv --quiet --allow-existing --no-python-downloads --python "$python" "$venv"
  elif "$python" -c 'import ensurepip' 2> /dev/null; then
    step "$python" -m venv "$venv"
  else
    fail "$python cannot make virtual environments: install python3-venv (Debian's name for it), or uv"
  fi
}

# An environment is kept when it runs, was finished once, fits PYTHON and was made in this folder.
is_usable() {
  local version
  version="$(python_version "$venv/bin/python")" || return 1
  is_right "$version" || return 1
  if [[ -n $state_before && ${state_before#* } != "$root" ]]; then
    [[ ! -L $venv ]] || fail "tools/venv is a link to the environment of ${state_before#* }: remove the link"
    echo "tools/install.sh: tools/venv was made in another folder; making it again" >&2
    return 1
  fi
  # A package whose files were being laid when the last call ended looks installed, and is not.
  if [[ $state_before == unfinished* ]]; then return 1; fi
  if [[ -n ${PYTHON:-} ]]; then
    local asked
    asked="$(find_python)" || exit 1
    asked="$(python_version "$asked")"
    [[ ${asked%.*} == "${version%.*}" ]] || fail "tools/venv has Python $version, PYTHON is $asked: remove tools/venv first"
  fi
}

install_packages() {
  local lock="$root/tools/requirements.lock"
  check_disk
  find_uv
  mark_unfinished
  step "$uv" pip install --python "$venv/bin/python" --no-deps -r "$lock"
  step "$uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e "$root"
  compile_bytecode
}

# Without bytecode each command would start seconds later, and PYTHONDONTWRITEBYTECODE may be set. Some packages bring
# files for other Pythons, and a checkout may not be writable: neither is an error.
compile_bytecode() {
  echo "tools/install.sh: compiling bytecode, about a minute" >&2
  PYTHONWARNINGS=ignore "$venv/bin/python" -m compileall -qq -j 0 "$venv/lib" "$root/mimidiar" "$root/utils" || true
}

main() {
  if is_finished; then return; fi
  local started=$SECONDS
  exec 9< "$root/tools"
  if ! flock -n 9; then
    echo "tools/install.sh: another one is at work, waiting for it" >&2
    flock 9
    if is_finished; then return; fi
  fi
  if [[ -f $stamp ]]; then state_before="$(< "$stamp")"; fi
  log="$(mktemp)"
  trap 'rm -f "$log"' EXIT
  export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}" UV_NO_PROGRESS=1
  if is_usable; then echo "tools/install.sh: completing tools/venv (about 9 GB on disk when done)" >&2; else make_venv; fi
  install_packages
  wanted_state > "$stamp"
  echo "tools/install.sh: tools/venv is ready after $(( SECONDS - started )) s" >&2
}

main
