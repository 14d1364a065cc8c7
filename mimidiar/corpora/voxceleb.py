"""VoxCeleb1 (Nagrani et al. 2017): utterances cut from interviews on YouTube, with VGG's lists of trials.

Layout: wav/<speaker>/<video>/<n>.wav, the dev part (1,211 speakers, 148,642 utterances, 340 h) and the test part (40
speakers, 4,874 utterances, 11 h) in one folder or in dev/wav and test/wav; beside them vox1_meta.csv, iden_split.txt
and the lists of trials as VGG calls them (or in meta/).

Sets. The protocol is VGG's: trained on the dev part, reported on trials of the test part, whose speakers are others.
`train` and `dev` divide the dev part by speaker (`dev_speakers` are for tuning, by a seeded hash), `test` is the test
part, `trials_o_cleaned` and so on are the utterances of a list of trials with the list. The lists E and H take in all
speakers: with one of them nothing of VoxCeleb1 may be trained on, so neither `train` nor `dev` is written.

Speech. Every utterance is of one active speaker, and every published figure takes them whole; so does this file, unless
`vad` is set for speech segments: 351 hours of audio, an hour or two on one core.

lhotse's recipe gives the addresses. It is not used to read the corpus: it fetches its one list of trials from the
network into the folder where it is started, knows neither E nor H, and leaves out trials of missing files with a
warning alone.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mimidiar.annotation.text_file import numbered_fields
from mimidiar.corpora.preparation import Preparation
from mimidiar.corpora.utterances import (
    Utterance,
    find_speech,
    limited,
    make_trials,
    named_in,
    refuse_or_skip,
    usable_trials,
    utterances_of,
    with_lengths,
    write_utterance_sets,
)
from mimidiar.data.manifests import Trial
from mimidiar.data.splits import hash_order
from mimidiar.data.validation import require_valid
from mimidiar.errors import MimidiarError, listed
from mimidiar.log import log

ORIGINS = {"vox1": ("VoxCeleb1 (Nagrani et al. 2017), interviews", "CC BY 4.0")}

# list -> its file as VGG calls it, trials in it, of the same speaker among them
TRIAL_LISTS = {
    "O": ("veri_test.txt", 37_720, 18_860),
    "O-cleaned": ("veri_test2.txt", 37_611, 18_802),
    "E": ("list_test_all.txt", 581_480, 290_743),
    "E-cleaned": ("list_test_all2.txt", 579_818, 289_921),
    "H": ("list_test_hard.txt", 552_536, 276_270),
    "H-cleaned": ("list_test_hard2.txt", 550_894, 275_488),
}
OF_ALL_SPEAKERS = ("E", "E-cleaned", "H", "H-cleaned")
UTTERANCES = {"dev": 148_642, "test": 4_874}
FIRST, LAST = 10_001, 11_251  # numbers of the speakers
TEST_SPEAKERS = range(10_270, 10_310)  # the 40 whose names begin with E
ANCESTOR_SPLIT = {"train": 32, "dev": 8}
LEAKY = "leaky: for comparison only (trained and tuned on speakers of the trials, as in the original study)"


@dataclass
class VoxCelebSettings:
    """What `--set KEY=VALUE` can set."""

    trials: list[str] = field(default_factory=lambda: ["O-cleaned"])  # of TRIAL_LISTS
    parts: list[str] = field(default_factory=lambda: ["dev", "test"])  # [test] does for figures without training
    any_trials: bool = False  # accept a list with other numbers than the published ones
    dev_speakers: int = 40  # of the dev part, for tuning; at most a fifth of its speakers
    vad: bool = False  # speech segments by silero-vad, of all sets: an hour or two for the whole corpus
    skip_missing: bool = False  # leave out utterances without a file, and their trials
    ancestor_split: bool = False  # train and dev are 32 and 8 speakers of the test part: leaky, see LEAKY


def prepare_voxceleb1(work: Preparation) -> list[Path]:
    """Write the sets of VoxCeleb1 and return their folders; see the head of this file.

    `limit`: highest number of speakers of a set, with 10 utterances of each, and the remaining trials.
    """
    options, seed = work.options(VoxCelebSettings), work.seed
    _check_settings(options)
    root = work.find_root("voxceleb1")
    lists = {name: _read_list(root, name, options.any_trials) for name in options.trials}
    utterances = _read_utterances(root, lists, options)
    utterances = with_lengths("voxceleb1", utterances, options.skip_missing)
    divided = _divide(root, utterances, options, seed)
    sets = {name: limited(rows, work.limit, seed) for name, rows in divided.items()}
    trials = {"trials_dev": make_trials(sets["dev"], seed)} if sets.get("dev") else {}
    of_test = limited(utterances, work.limit, seed) if _of_all_speakers(options) else sets["test"]
    present = {u.id for u in of_test}
    for name, rows in lists.items():
        trials[f"trials_{name.lower().replace('-', '_')}"] = usable_trials(name, rows, present)
    for name, rows in trials.items():
        sets[name] = utterances_of(rows, sets["dev"] if name == "trials_dev" else of_test)
    every = {u.id: u for rows in sets.values() for u in rows}
    alignments = find_speech(list(every.values())) if options.vad else {}
    folders = write_utterance_sets(work, _about(options), sets, alignments, trials)
    require_valid(folders, allow_shared=options.ancestor_split)
    return folders


def _check_settings(options: VoxCelebSettings) -> None:
    """Raise MimidiarError for unknown names of lists and parts."""
    for key, names, known in (("trials", options.trials, TRIAL_LISTS), ("parts", options.parts, UTTERANCES)):
        unknown = [name for name in names if name not in known]
        if unknown:
            raise MimidiarError(f"--set {key}: there is no {unknown[0]!r}; name one or more of {', '.join(known)}")
    if "test" not in options.parts:
        raise MimidiarError("--set parts: the test part cannot be left out, the trials are of its speakers")


def _of_all_speakers(options: VoxCelebSettings) -> bool:
    return bool(set(options.trials) & set(OF_ALL_SPEAKERS))


def _about(options: VoxCelebSettings) -> dict[str, str]:
    speech = "speech segments by silero-vad" if options.vad else "utterances taken whole"
    about = {"origin": f"VoxCeleb1 ({speech}{'; ' + LEAKY if options.ancestor_split else ''})"}
    return about | ({"leaky": LEAKY} if options.ancestor_split else {})


def _read_list(root: Path, name: str, any_trials: bool) -> list[Trial]:
    """The trials of a list. Raises MimidiarError if it is missing, broken, or without the published numbers."""
    file, total, targets = TRIAL_LISTS[name]
    path = next((place / file for place in (root, root / "meta") if (place / file).is_file()), None)
    if path is None:
        raise MimidiarError(f"{root / file}: no such file; stage 0 fetches the lists of trials, and VGG has them")
    rows: list[Trial] = []
    for line, fields in numbered_fields(path):
        if len(fields) != 3 or fields[0] not in ("0", "1"):
            raise MimidiarError(f"{path}, line {line}: {' '.join(fields)!r} is not `0|1 SPEAKER/VIDEO/N.wav ...`")
        rows.append((int(fields[0]), _id_of(fields[1]), _id_of(fields[2])))
    found = len(rows), sum(label for label, *_ in rows)
    if found != (total, targets):
        text = f"{path}: {found[0]} trials, {found[1]} of them target; the list {name} has {total} and {targets}"
        if not any_trials:
            raise MimidiarError(f"{text}. Fetch it again, or take it as it is: --set any_trials=true")
        log.info(f"{text}. Taken as it is.")
    return _without_doubles(path, rows)


def _without_doubles(path: Path, rows: list[Trial]) -> list[Trial]:
    """The trials, each pair once: a pair drawn twice would count twice."""
    labels: dict[tuple[str, str], int] = {}
    for label, enrol, test in rows:
        if labels.setdefault((enrol, test), label) != label:
            raise MimidiarError(f"{path}: {enrol} and {test} are called the same speaker and different ones")
    if len(labels) < len(rows):
        log.info(f"{path}: {len(rows) - len(labels)} pairs are in it more than once, and taken once")
    return [(label, *pair) for pair, label in labels.items()]


def _id_of(name: str) -> str:
    """'id10270/x6uYqmx31kE/00001.wav' -> 'id10270-x6uYqmx31kE-00001', as lhotse names it too."""
    return name.removesuffix(".wav").replace("/", "-")


def _read_utterances(root: Path, lists: dict[str, list[Trial]], options: VoxCelebSettings) -> list[Utterance]:
    """The utterances of the wanted parts, by id. Files that iden_split.txt or a list of trials names and that are not
    there are refused or skipped; without iden_split.txt the number of files has to do."""
    folders = [folder for folder in (root / "wav", root / "dev" / "wav", root / "test" / "wav") if folder.is_dir()]
    if not folders:
        raise MimidiarError(f"{root}: neither wav nor dev/wav and test/wav in it; is this the root of VoxCeleb1?")
    genders = _genders(root)
    paths = {_id_of(str(path.relative_to(f))): path for f in folders for path in sorted(f.glob("*/*/*.wav"))}
    _refuse_strangers(root, paths)
    test_part = _test_speakers(root)
    wanted = {utterance for trials in lists.values() for utterance in named_in(trials)}
    complete = root / "iden_split.txt"
    if complete.is_file():
        every = {_id_of(fields[-1]) for _, fields in numbered_fields(complete)}
        wanted |= {name for name in every if _part(name, test_part) in options.parts}
    paths = {name: path for name, path in paths.items() if _part(name, test_part) in options.parts}
    missing = sorted(wanted - paths.keys())
    refuse_or_skip("voxceleb1", missing, len(wanted | paths.keys()), "utterances are", options.skip_missing)
    if not complete.is_file():
        _check_numbers(root, Counter(_part(name, test_part) for name in paths), options)
    return [_utterance(name, paths[name], genders) for name in sorted(paths)]


def _part(name: str, test_part: set[str]) -> str:
    return "test" if name.split("-")[0] in test_part else "dev"


def _refuse_strangers(root: Path, paths: dict[str, Path]) -> None:
    """VoxCeleb2 has the same layout and other speakers (from id00012 on)."""
    strange = [name for name in sorted(paths) if not _is_speaker(name.split("-")[0])]
    if strange:
        text = f"{root}: {len(strange)} files are of no speaker of VoxCeleb1 (id{FIRST} to id{LAST}): {listed(strange)}"
        raise MimidiarError(f"{text}. Is this another version, or VoxCeleb2?")


def _is_speaker(name: str) -> bool:
    number = name.removeprefix("id")
    return name.startswith("id") and number.isdigit() and FIRST <= int(number) <= LAST


def _check_numbers(root: Path, found: Counter[str], options: VoxCelebSettings) -> None:
    differing = [f"{found[part]} of {UTTERANCES[part]} in the {part} part" for part in options.parts]
    if all(found[part] == UTTERANCES[part] for part in options.parts):
        return
    text = f"{root}: {' and '.join(differing)}"
    if not options.skip_missing:
        remedy = "put VGG's iden_split.txt there to see which are missing, or go on without: --set skip_missing=true"
        raise MimidiarError(f"{text}; {remedy}")
    log.info(f"{text}. The others are left out.")


def _utterance(name: str, path: Path, genders: dict[str, str]) -> Utterance:
    speaker, rest = name.split("-", 1)
    session = f"{speaker}-{rest.rpartition('-')[0]}"
    return Utterance(name, speaker, path, 0.0, session, "vox1", str(path), genders.get(speaker))


def _genders(root: Path) -> dict[str, str]:
    return {fields[0]: fields[2] for fields in _meta(root)}


def _test_speakers(root: Path) -> set[str]:
    """The speakers of the test part: as vox1_meta.csv says, or, without it, the published 40."""
    return {fields[0] for fields in _meta(root) if fields[-1] == "test"} or {f"id{k}" for k in TEST_SPEAKERS}


def _meta(root: Path) -> Iterator[list[str]]:
    """(speaker, name, gender, nation..., part) of vox1_meta.csv, whose first line is a header; nothing without it."""
    path = next(
        (place / "vox1_meta.csv" for place in (root, root / "meta") if (place / "vox1_meta.csv").is_file()), None
    )
    if path is None:
        return
    for line, fields in numbered_fields(path):
        if not _is_speaker(fields[0]) and line == 1:
            continue
        if len(fields) < 5 or fields[2] not in ("m", "f") or fields[-1] not in UTTERANCES:
            raise MimidiarError(f"{path}, line {line}: {' '.join(fields)!r} is not `ID NAME m|f NATION dev|test`")
        yield fields


def _divide(
    root: Path, utterances: list[Utterance], options: VoxCelebSettings, seed: int
) -> dict[str, list[Utterance]]:
    """Set -> its utterances, without the sets of trials."""
    speakers, test_part = {u.speaker for u in utterances}, _test_speakers(root)
    test = hash_order(speakers & test_part, seed)
    groups = {"test": set(test)}
    if options.ancestor_split:
        log.info(LEAKY)
        train = round(len(test) * ANCESTOR_SPLIT["train"] / sum(ANCESTOR_SPLIT.values()))
        groups = {"train": set(test[:train]), "dev": set(test[train:])} | groups
    elif _of_all_speakers(options):
        log.info("trials E and H are of all speakers: no train, no dev, for nothing of VoxCeleb1 may be trained on")
    elif "dev" in options.parts:
        rest = hash_order(speakers - test_part, seed)
        held_out = min(options.dev_speakers, len(rest) // 5)
        groups = {"train": set(rest[held_out:]), "dev": set(rest[:held_out])} | groups
    return {name: [u for u in utterances if u.speaker in group] for name, group in groups.items()}
