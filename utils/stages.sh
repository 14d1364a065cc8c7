# shellcheck shell=bash
# Sourced by a recipe after parse_options.sh:
#
#   if stage 3 "features"; then
#     ...
#   fi

: "${stage:=1}" "${stop_stage:=6}"
for _stages_option in stage stop_stage; do
  if ! [[ ${!_stages_option} =~ ^[0-9]+$ ]]; then
    echo "${0##*/}: error: --${_stages_option/_/-} takes a whole number from 0, not '${!_stages_option}'" >&2
    exit 1
  fi
done
if (( stage > stop_stage )); then
  echo "${0##*/}: error: --stage $stage is after --stop-stage $stop_stage: nothing to do" >&2
  exit 1
fi

# stage N TITLE: true if stage N is to run, with a heading for it.
stage() {
  (( stage <= $1 && $1 <= stop_stage )) || return 1
  export MIMIDIAR_STAGE="$1"   # stage.py names it where an input of an earlier stage is missing
  echo "== ${PWD#"${MIMIDIAR_ROOT:-}"/}: stage $1: $2 =="
}
