#!/usr/bin/env bash
# Fetch the weights of the recipes, 487 MB in all, into one folder, and print the variables to export:
#   Mimi       385 MB  CC-BY 4.0  kyutai/moshiko-pytorch-bf16, open; the same file is in nvidia/personaplex-7b-v1, gated
#   TitaNet-L  102 MB  CC-BY 4.0  nvidia/speakerverification_en_titanet_large
# An interrupted download goes on with the next call; what is there is compared with its published sum, and left.
set -euo pipefail
root="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
# shellcheck source=utils/path.sh
. "$root/utils/path.sh"

# --- options ---
dir=                  # where to; else $DIARIZATION_ROOT/models, else downloads/models in the project
mimi=auto             # open, personaplex (needs HF_TOKEN and that you accepted its license on huggingface.co), none;
                      # auto: personaplex where HF_TOKEN is set, and open where it is not or does not open the gate
titanet=true          # false leaves TitaNet out
# --- end of options ---
# shellcheck source=utils/parse_options.sh
. parse_options.sh

fail() { echo "download_models.sh: error: $*" >&2; exit 1; }

folder="${dir:-${DIARIZATION_ROOT:-$root/downloads}/models}"
case "$mimi" in open | personaplex | none | auto) ;; *) fail "--mimi $mimi: choose auto, open, personaplex or none" ;; esac

mimi_file=tokenizer-e351c8d8-checkpoint125.safetensors
mimi_sha256=09b782f0629851a271227fb9d36db65c041790365f11bbe5d3d59369cf863f50
titanet_file=speakerverification_en_titanet_large.nemo
titanet_sha256=e838520693f269e7984f55bc8eb3c2d60ccf246bf4b896d4be9bcabe3e4b0fe3

# check_space MB: what is to come fits on the disk.
check_space() {
  local free_mb
  mkdir -p "$folder"
  free_mb="$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')"
  echo "download_models.sh: up to $1 MB into $folder, $free_mb MB free there"
  (( free_mb >= $1 )) || fail "$folder: $1 MB are needed and $free_mb MB are free: free some, or name another folder by --dir"
}

# fetch REPO FILE: the file lies in $folder as a whole, or the call fails. hf keeps what was interrupted, and goes on with it.
fetch() {
  if [[ -s $folder/$2 ]]; then echo "download_models.sh: $folder/$2 is there"; return; fi
  hf download "$1" "$2" --local-dir "$folder" > /dev/null && [[ -s $folder/$2 ]]
}

sum_of() { sha256sum "$1" | cut -d ' ' -f 1; }

fetch_mimi() {
  local repo=kyutai/moshiko-pytorch-bf16 gated=nvidia/personaplex-7b-v1 sum
  if [[ $mimi == personaplex && -z ${HF_TOKEN:-} ]]; then
    fail "--mimi personaplex: $gated is gated; accept its license on huggingface.co and export HF_TOKEN, or take --mimi open," \
      "which is the same file"
  fi
  if [[ $mimi == personaplex ]]; then
    fetch "$gated" "$mimi_file" || fail "$mimi_file could not be fetched from $gated: is its license accepted with this HF_TOKEN?"
  elif [[ $mimi == auto && -n ${HF_TOKEN:-} ]] && fetch "$gated" "$mimi_file"; then :
  else
    # A token that is not valid would be refused by the open repository, too.
    HF_TOKEN='' fetch "$repo" "$mimi_file" || fail "$mimi_file could not be fetched from $repo: is huggingface.co reachable?"
  fi
  sum="$(sum_of "$folder/$mimi_file")"
  [[ $sum == "$mimi_sha256" ]] || fail "$folder/$mimi_file has the sha256 $sum, expected $mimi_sha256: delete it and fetch it again"
}

fetch_titanet() {
  local repo=nvidia/speakerverification_en_titanet_large sum
  fetch "$repo" "$titanet_file" || fail "$titanet_file could not be fetched from $repo: is huggingface.co reachable?"
  sum="$(sum_of "$folder/$titanet_file")"
  if [[ $sum != "$titanet_sha256" ]]; then
    echo "download_models.sh: $titanet_file has the sha256 $sum, another version than $titanet_sha256; records keep it" >&2
  fi
}

need_mb=0
if [[ $mimi != none && ! -s $folder/$mimi_file ]]; then need_mb=$(( need_mb + 385 )); fi
if [[ $titanet == true && ! -s $folder/$titanet_file ]]; then need_mb=$(( need_mb + 102 )); fi
check_space "$need_mb"
if [[ $mimi != none ]]; then fetch_mimi; fi
if [[ $titanet == true ]]; then fetch_titanet; fi
if [[ $mimi != none ]]; then echo "export MIMI_CHECKPOINT=$folder/$mimi_file"; fi
if [[ $titanet == true ]]; then echo "export TITANET_CHECKPOINT=$folder/$titanet_file"; fi
