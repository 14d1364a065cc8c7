#!/usr/bin/env bash
# meeteval: its own default file format after `pip install meeteval`.
#
# Expected: a plain install writes and reads SegLST, the JSON format that meeteval's description calls its default.
# Happens: `meeteval.io.dump` and `meeteval.io.load` of such a file raise ModuleNotFoundError: they need simplejson, which
#   only comes with the extra for the command line, meeteval[cli]. Reading STM and scoring need nothing more.
# Who meets it: whoever scores meeting transcripts from Python in a fresh environment; where something else has brought
#   simplejson nobody notices, so that it shows first in a container or on a build server.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "meeteval==0.4.3" "numpy==2.2.6" 2> /dev/null
cat > again.py << 'PY'
import json
from importlib.metadata import version

import meeteval

print("meeteval", version("meeteval"))
with open("talk.stm", "w", encoding="utf-8") as file:
    file.write("talk 1 anna 0.00 1.50 hello there\n")
segments = meeteval.io.load("talk.stm").to_seglst()
print("cpWER from STM:", meeteval.wer.combine_error_rates(meeteval.wer.cpwer(segments, segments)).error_rate)
with open("plain.json", "w", encoding="utf-8") as file:
    json.dump([{**segment, "start_time": 0.0, "end_time": 1.5} for segment in segments], file)
for name, action in (
    ("dump", lambda: meeteval.io.dump(segments, "talk.json")),
    ("load", lambda: list(meeteval.io.load("plain.json"))),
):
    try:
        action()
        print(name, "works")
    except ModuleNotFoundError as error:
        print(f"{name}: ModuleNotFoundError: {error}")
PY
venv/bin/python again.py | tee plain
venv/bin/pip install --quiet "simplejson==3.20.2" 2> /dev/null
venv/bin/python again.py | tee more
test "$(grep -c "No module named 'simplejson'" plain)" = 2
test "$(grep -c works more)" = 2
echo "with simplejson both work, without it neither"
