# shellcheck shell=bash
# Sourced by what runs several commands beside each other:
#
#   at_once=2
#   spawn COMMAND...    start it as soon as fewer than `at_once` run
#   all_ended           wait for all; fails if one of them did
#
# In between, TERM and Ctrl-C end the commands and the script.

at_once=1 spawn_failed=0
spawn() {
  trap 'end_jobs 143' TERM
  trap 'end_jobs 130' INT
  while (( $(jobs -rp | wc -l) >= at_once )); do wait -n || spawn_failed=1; done
  "$@" &
}

all_ended() {
  while [[ -n $(jobs -p) ]]; do wait -n || spawn_failed=1; done
  trap - TERM INT
  return "$spawn_failed"
}

# end_jobs CODE: TERM to what was started (run.sh ends at once, and stage.py with it), and the end of the script.
end_jobs() {
  local jobs
  mapfile -t jobs < <(jobs -p)
  kill "${jobs[@]}" 2> /dev/null || true
  wait || true
  exit "$1"
}
