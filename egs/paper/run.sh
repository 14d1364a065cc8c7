#!/usr/bin/env bash
# All tables of the repository from the records that it keeps (egs/*/*/results): the RESULTS.md of each recipe, the block in
# the README, and the paper's tables and progression figure. Nothing is run and no figure is typed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../utils/path.sh
# --- options ---
check=false                        # write nothing; fail if a file holds anything else than what the records give
# --- end of options ---
. parse_options.sh

failed=0
# write OPTION...: `mimidiar report` into a file, or with --check a look at that file; what fails does not stop the rest.
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
write ../mini/conf/table.yaml --into ../../README.md
for table in table1 published; do
  write "conf/$table.yaml" -o "tables/$table.md"
  write "conf/$table.yaml" --format latex -o "tables/$table.tex"
done
write conf/progression.yaml --format json -o figures/progression.json
# The picture is made of that file alone, while there is something to draw.
picture=figures/progression.svg drawn=$(mktemp -d)
trap 'rm -r "$drawn"' EXIT
if grep -q '"status": "figure"' figures/progression.json; then
  mimidiar figure progression figures/progression.json -o "$drawn/progression.svg" > "$drawn/log" || failed=1
fi
if ! cmp -s "$drawn/progression.svg" "$picture" && [[ -e $drawn/progression.svg || -e $picture ]]; then
  if [[ $check == true ]]; then
    echo "run.sh: error: egs/paper/$picture: differs from what figures/progression.json gives; egs/paper/run.sh draws it" >&2
    failed=1
  elif [[ -e $drawn/progression.svg ]]; then cp "$drawn/progression.svg" "$picture"; echo "written: $picture"
  else rm "$picture"; echo "removed, as there is nothing to draw: $picture"; fi
fi
exit "$failed"
