#!/usr/bin/env bash
# Make all tables of the repository from the committed records (egs/*/*/results): the RESULTS.md of each recipe, the block in the
# README, and the paper's tables and figures. No experiment is run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../utils/path.sh
. environment.sh
# --- options ---
check=false                        # true: write nothing; fail if a file differs from its records
# --- end of options ---
. parse_options.sh

failed=0
# write OPTION...: `mimidiar report` into a file, or with --check a comparison with it; a failure does not stop the rest.
write() {
  local options=("$@")
  if [[ $check == true ]]; then options+=(--check); fi
  mimidiar report "${options[@]}" || failed=1
}

# A recipe's table is in its own conf, or one of its data set's that is called after it.
for run in ../*/*/run.sh; do
  recipe=${run%/run.sh}
  if [[ -f $recipe/conf/table.yaml ]]; then write "$recipe/conf/table.yaml" -o "$recipe/RESULTS.md"
  elif [[ -f $recipe/../conf/table.yaml ]]; then
    write "$recipe/../conf/table.yaml" --only "${recipe##*/}" -o "$recipe/RESULTS.md"
  fi
done
write ../mini/conf/headline.yaml --only headline --brief --into ../../README.md
write ../mini/conf/headline.yaml -o ../mini/RESULTS.md
for table in table1 published; do
  write "conf/$table.yaml" -o "tables/$table.md"
  write "conf/$table.yaml" --format latex -o "tables/$table.tex"
done
write conf/progression.yaml --format json -o figures/progression.json
write ../mini/conf/table.yaml --only unfreeze --format json -o figures/tradeoff.json
write ../mini/conf/table.yaml --only taps --format json -o figures/depth.json

drawn=$(mktemp -d)
trap 'rm -r "$drawn"' EXIT
# draw KIND PATTERN: figures/KIND.svg from figures/KIND.json, if a line of that matches PATTERN.
draw() {
  local data=figures/$1.json picture=figures/$1.svg new=$drawn/$1.svg
  if grep -q "$2" "$data"; then mimidiar figure "$1" "$data" -o "$new" > "$drawn/log" || failed=1; fi
  if ! cmp -s "$new" "$picture" && [[ -e $new || -e $picture ]]; then
    if [[ $check == true ]]; then
      echo "run.sh: error: egs/paper/$picture: differs from what $data gives; egs/paper/run.sh draws it" >&2
      failed=1
    elif [[ -e $new ]]; then cp "$new" "$picture"; echo "written: $picture"
    else rm "$picture"; echo "removed, as there is nothing to draw: $picture"; fi
  fi
}
draw progression '"status": "figure"'
draw tradeoff '"system": "unfreeze-'
draw depth '"system": "taps-'
exit "$failed"
