"""The original study's metric of an oracle diarizer, for each set of conversations and for all."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from mimidiar.annotation.rttm import read_rttm
from mimidiar.errors import MimidiarError
from mimidiar.files import write_json, write_text
from mimidiar.studies.original_metric.files import CropPlan, original_document, write_original
from mimidiar.studies.original_metric.posteriors import FRAME_HZ, crops_of_perfect, score_crops

SYSTEM = "perfect diarizer, channels in order of arrival in the crop"
MIXED = "mixed"


def demonstrate(data_dirs: Sequence[Path], out_dir: Path, plan: CropPlan) -> str:
    """Score every set, and all together, into OUT/<set>; write OUT/bars.json, and return the table of OUT/table.md."""
    groups = {folder.resolve().name: [folder] for folder in data_dirs}
    if len(groups) < len(data_dirs) or MIXED in groups:
        raise MimidiarError(f"{out_dir}: each set needs a name of its own there, and none the name '{MIXED}'")
    if len(data_dirs) > 1:
        groups[MIXED] = list(data_dirs)
    documents = {}
    for name, folders in groups.items():
        sources = [crops_of_perfect(folder, plan)[0] for folder in folders]
        score = score_crops(chain.from_iterable(sources), FRAME_HZ, der_filtered=False)
        document = original_document(score, plan, [folder / "ref.rttm" for folder in folders], SYSTEM)
        write_original(out_dir / name, score, document)
        documents[_label(folders)] = document
    write_json(out_dir / "bars.json", bars(documents))
    text = table(documents, plan)
    write_text(out_dir / "table.md", text)
    return text


def _label(folders: Sequence[Path]) -> str:
    """'2 speakers' where all recordings of a single set have this number, else its name; of several sets, 'mixed'."""
    if len(folders) > 1:
        return MIXED
    counts = {len({turn.speaker for turn in turns}) for turns in read_rttm(folders[0] / "ref.rttm").values()}
    return f"{counts.pop()} speakers" if len(counts) == 1 else folders[0].resolve().name


def bars(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The input of `mimidiar figure`: the "confusion" of each set, with its interval."""
    name = "ancestor_confusion"
    rows = [{"label": label, "value": document[name]} for label, document in documents.items()]
    for row, document in zip(rows, documents.values(), strict=True):
        if name in document["intervals"]:
            row |= {end: document["intervals"][name][end] for end in ("low", "high")}
    der = max(document["crop_der"] for document in documents.values())
    return {
        "bars": rows,
        "ylabel": 'original study\'s "confusion", %',
        "title": f'"Confusion" of a diarizer without errors (DER {der:g} %)',
    }


def table(documents: Mapping[str, Mapping[str, Any]], plan: CropPlan) -> str:
    """A Markdown table, with its conditions."""
    about = [
        "A diarizer without errors, its outputs in order of arrival, by the original study's metric (quoted)",
        "and by DER, which maps outputs to speakers. The same crops for both: "
        f"{plan.crop_sec:g} s, {plan.per_recording} of each recording, at random.",
        "All in %; [ ]: 95 % bootstrap interval over recordings. FA and Miss come from its median filter.",
    ]
    head = ("conversations of", "recordings", "crops", '"confusion" [95 %]', "FA", "Miss", '"DER" [95 %]', "true DER")
    rows = [head, *(_row(label, document) for label, document in documents.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    return "\n".join([*about, "", *lines, ""])


def _row(label: str, document: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        label,
        f"{document['n_recordings']}",
        f"{document['n_crops']}",
        _with_interval(document, "ancestor_confusion"),
        f"{document['ancestor_false_alarm']:.1f}",
        f"{document['ancestor_miss']:.1f}",
        _with_interval(document, "ancestor_der"),
        f"{document['crop_der']:.2f}",
    )


def _with_interval(document: Mapping[str, Any], name: str) -> str:
    bounds = document["intervals"].get(name)
    return f"{document[name]:.1f}" + (f" [{bounds['low']:.1f}, {bounds['high']:.1f}]" if bounds else "")
