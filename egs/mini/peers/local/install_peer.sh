#!/usr/bin/env bash
# install_peer.sh PACKAGE LOCK FOLDER: FOLDER/venv with exactly the packages of LOCK, and FOLDER/package.json, which says which
# version of PACKAGE that is. Run again after an interruption it starts anew from what was downloaded.
set -euo pipefail
package=$1 lock=$2 folder=$3
venv=$folder/venv

# In one line what went wrong, after what uv said.
fail() { echo "install_peer.sh: error: $*" >&2; exit 1; }

if ! uv=$(command -v uv); then fail "no uv; tools/install.sh brings it"; fi
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}" UV_NO_PROGRESS=1 UV_NO_CONFIG=1
rm -f "$folder/package.json"
"$uv" venv --quiet --clear --no-python-downloads --python "$(command -v python3)" "$venv"
if ! "$uv" pip install --python "$venv/bin/python" --no-deps -r "$lock" 2>&1 | tee "$folder/uv.txt" >&2; then
  if grep -qiE 'no space left|quota exceeded' "$folder/uv.txt"; then
    fail "no space left for $package: it takes about 7.5 GB, most of it torch, whose files tools/venv shares on the same disk"
  elif grep -qiE 'dns error|name resolution|error sending request|failed to fetch|connect|timed out|network' "$folder/uv.txt"; then
    fail "the package index cannot be reached; run again with a network, or compare without $package (--peers '')"
  fi
  fail "$package cannot be installed from $lock"
fi
"$venv/bin/python" -m compileall -qq "$venv/lib" || true   # some packages bring files for other Pythons
"$venv/bin/python" - "$package" > "$folder/package.json.partial" << 'END'
import importlib.metadata, json, sys

print(json.dumps({"package": sys.argv[1], "version": importlib.metadata.version(sys.argv[1])}))
END
mv "$folder/package.json.partial" "$folder/package.json"
