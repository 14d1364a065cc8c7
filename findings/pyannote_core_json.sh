#!/usr/bin/env bash
# pyannote.core: a JSON file of an Annotation that version 4.5 writes and reads cannot be read by 6.1.0.
#
# Expected: a library of annotations reads the files that its own earlier release wrote, or says what to do with them.
# Happens: `pyannote.core.json` and `Annotation.for_json` are gone without a word since 5.0; the file has no reader. What
#   takes its content today is `Annotation.from_records`, record by record.
# Who meets it: whoever kept diarization results as JSON, and tools that still write that layout "for pyannote".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for version in 4.5 6.1.0; do
  python3 -m venv "$version"
  "$version/bin/pip" install --quiet "pyannote.core==$version" 2> /dev/null
done

4.5/bin/python - << 'PY'
from pyannote.core import Annotation, Segment
import pyannote.core.json as core_json

annotation = Annotation(uri="call")
annotation[Segment(0.5, 2.0), "a"] = "anna"
core_json.dump_to(annotation, "call.json")
assert list(core_json.load_from("call.json").itertracks(yield_label=True)) == [(Segment(0.5, 2.0), "a", "anna")]
print("4.5 writes and reads:", open("call.json").read().strip())
PY

6.1.0/bin/python - << 'PY'
import importlib.util
import json

from pyannote.core import Annotation, Segment

has_module = importlib.util.find_spec("pyannote.core.json") is not None
methods = [name for name in dir(Annotation) if "json" in name.lower()]
print("6.1.0: module pyannote.core.json:", has_module, "- methods of Annotation with json in their names:", methods)
assert not has_module and not methods, "it reads JSON again"

document = json.load(open("call.json"))
records = [(Segment(**each["segment"]), each["track"], each["label"]) for each in document["content"]]
again = Annotation.from_records(iter(records), uri=document["uri"])
assert list(again.itertracks(yield_label=True)) == [(Segment(0.5, 2.0), "a", "anna")]
print("6.1.0, by from_records:", list(again.itertracks(yield_label=True)))
PY
