# shellcheck shell=bash
# Sourced by a recipe after its option block: sets the variables of the block from the command line.
#
#   # --- options ---
#   stage=1            # first stage to run
#   force=false        # start again
#   # --- end of options ---
#   . parse_options.sh
#
# `--stage 3` and `--stage=3`; dashes and underscores are the same; `--force` alone is `--force true`. A default that is a
# whole number, a number, or true/false takes only such values. Every other argument is an error. `--help` prints the
# comment at the head of the script and the block itself. In the block, a line that is only a comment is a heading.
#
# Before the script's own block, it may source files with blocks that it shares with others, named in `option_blocks`
# (options.sh). Of an option in several blocks the last one counts. The defaults are left in `option_default`.

if [[ -z ${option_blocks+set} ]]; then option_blocks=(); fi
# The script as seen from here: recipes change into their own folder before they parse.
_options_script="${BASH_SOURCE[1]}"
if [[ $_options_script != /* && -f ./${_options_script##*/} ]]; then _options_script="./${_options_script##*/}"; fi

# Prints the lines of the option block of file $1.
_options_block() {
  awk '/^# --- options ---/ { inside = 1; next } /^# --- end of options ---/ { exit } inside && !/^# shellcheck /' "$1"
}

# One message, with where the rest is to be found, and the end of the script.
_options_fail() { echo "${_options_script##*/}: error: $* (--help lists the options)" >&2; exit 1; }

# Reads the block of file $1 into option_default[name], _options_home[name] (the file) and _options_names.
_options_read() {
  local line name
  while IFS= read -r line; do
    [[ $line =~ ^([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
    name=${BASH_REMATCH[1]}
    if [[ -z ${_options_home[$name]:-} ]]; then _options_names+=("$name"); fi
    option_default[$name]="$(_options_value "${BASH_REMATCH[2]}")" _options_home[$name]=$1
  done < <(_options_block "$1")
}

# What stands before the comment of an option line, without the blanks at its end.
_options_value() {
  local value="${1%%[[:space:]]#*}"
  echo "${value%"${value##*[![:space:]]}"}"
}

_options_help() { _options_help_text | sed 's/ *$//'; }

_options_help_text() {
  local name value width=0 file
  awk 'NR == 1 && /^#!/ { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$_options_script"
  for name in "${_options_names[@]}"; do
    value="${option_default[$name]}"
    if (( ${#name} + ${#value} > width && ${#value} <= 30 )); then width=$(( ${#name} + ${#value} )); fi
  done
  if [[ -n $(_options_help_block "$_options_script") ]]; then
    printf '\nOptions, with their defaults:\n'
    _options_help_block "$_options_script"
  fi
  if (( ${#option_blocks[@]} > 0 )); then printf '\nOptions that recipes share, with their defaults:\n'; fi
  for file in "${option_blocks[@]}"; do _options_help_block "$file"; done
}

# The options of file $1, but for those that a later block has as well; `width` is that of the longest.
_options_help_block() {
  local line name='' value
  while IFS= read -r line; do
    if [[ $line =~ ^([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]]; then
      name="${BASH_REMATCH[1]}" value="$(_options_value "${BASH_REMATCH[2]}")" line="${BASH_REMATCH[2]#*[[:space:]]#}"
      if [[ ${_options_home[$name]} != "$1" ]]; then continue; fi
      if [[ $line == "${BASH_REMATCH[2]}" ]]; then line=""; fi
      printf '  %-*s  %s\n' $(( width + 3 )) "--${name//_/-} ${value:-\"\"}" "${line# }"
    elif [[ $line =~ ^[[:space:]]+#\ *(.*)$ && ${_options_home[$name]} == "$1" ]]; then
      printf '  %-*s  %s\n' $(( width + 3 )) "" "${BASH_REMATCH[1]}"
    elif [[ $line == "# "* ]]; then
      printf ' %s\n' "${line#\# }"
    fi
  done < <(_options_block "$1")
}

_options_unknown() {
  local near
  near="$(python3 -c 'import difflib, sys
print(*difflib.get_close_matches(sys.argv[1], [name.replace("_", "-") for name in sys.argv[2:]], 1, 0.5))' \
    "${1//_/-}" "${_options_names[@]}")"
  _options_fail "unknown option --$1${near:+; did you mean --$near?}"
}

# Stops unless value $2 is of the kind of the default of option $1.
_options_check() {
  local default="${option_default[$1]}" shown="--${1//_/-}"
  if [[ $default =~ ^-?[0-9]+$ ]]; then
    [[ $2 =~ ^-?[0-9]+$ ]] || _options_fail "$shown takes a whole number, not '$2'"
  elif [[ $default =~ ^-?[0-9]*\.[0-9]+$ ]]; then
    [[ $2 =~ ^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE]-?[0-9]+)?$ ]] || _options_fail "$shown takes a number, not '$2'"
  elif [[ $default == true || $default == false ]]; then
    [[ $2 == true || $2 == false ]] || _options_fail "$shown takes true or false, not '$2'"
  fi
}

_options_parse() {
  local name value
  while [[ $# -gt 0 ]]; do
    case "$1" in
      -h | --help) _options_help; exit 0 ;;
      --?*) name="${1#--}"; shift ;;
      *) _options_fail "'$1' is not an option" ;;
    esac
    value="${name#*=}"
    local given="${name%%=*}" has_value=false
    if [[ $name == *=* ]]; then has_value=true; fi
    name="${given//-/_}"
    [[ -n $name && -n ${option_default[$name]+set} ]] || _options_unknown "$given"
    if [[ $has_value == false ]]; then
      if [[ ${option_default[$name]} =~ ^(true|false)$ && ${1:-} != true && ${1:-} != false ]]; then
        value=true
      elif [[ $# -eq 0 || $1 == --* ]]; then
        _options_fail "--${name//_/-} needs a value"
      else
        value="$1"; shift
      fi
    fi
    _options_check "$name" "$value"
    printf -v "$name" '%s' "$value"
  done
}

declare -A option_default=() _options_home=()
_options_names=()
for _options_file in "${option_blocks[@]}" "$_options_script"; do _options_read "$_options_file"; done
[[ ${#_options_names[@]} -gt 0 ]] || _options_fail "no block between '# --- options ---' and '# --- end of options ---'"
_options_parse "$@"
