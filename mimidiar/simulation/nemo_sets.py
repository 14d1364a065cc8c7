"""Stage 2: sets of conversations, each conversation made once, whatever the number of jobs and interruptions."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.turns import Turn, make_turns
from mimidiar.annotation.uem import write_uem
from mimidiar.audio.corpus_audio import SAMPLE_RATE, write_flac
from mimidiar.data.utterances_manifest import read_source
from mimidiar.errors import MimidiarError
from mimidiar.files import disk_error, read_json, write_json
from mimidiar.log import log
from mimidiar.simulation.acoustics import SpeechTimes, add_noise_floor, set_level
from mimidiar.simulation.augmentation import Augmenter, Surroundings, impulse_responses
from mimidiar.simulation.nemo import simulate_session
from mimidiar.simulation.placement import Source, describe
from mimidiar.simulation.plan import Conversation, ConversationSet, Simulation, plan_conversations, speaker_shares

# With less speech of a speaker, a conversation is made again with another seed.
MIN_SPEAKER_SEC = 1.0
MAX_TRIES = 20
WORK_PREFIX = ".work-"


@dataclass(frozen=True)
class _Asked:
    """A set to make: its options, utterances, folder, and augmentation, if any."""

    name: str
    options: ConversationSet
    source: Source
    folder: Path
    augmenter: Augmenter | None


def simulate_sets(
    simulation: Simulation,
    data: str | Path,
    out: str | Path,
    job: tuple[int, int] | None = None,
    augmenter: Augmenter | None = None,
) -> list[Path]:
    """Make every set of `simulation` from the prepared sets below `data`; returns the folders `out`/sim_<name>.

    With `job` (K, N) only that share of the conversations is made. Without it all missing ones are made, the manifests,
    `ref.rttm`, `all.uem` and `simulation.json` are written and the sets validated. A simulation with a `leaky` reason
    may share speakers between sets; their corpus.json records it. The `augmenter` is for the sets that match
    `augmented`; the others do not depend on it.
    """
    if not simulation.sets:
        raise MimidiarError("the simulation has no sets; name at least one below 'sets:'")
    for name, options in simulation.sets.items():
        options.check(f"simulation set {name!r}")
    augmenters = _augmenters(simulation, augmenter)
    folders = [Path(out) / f"sim_{name}" for name in simulation.sets]
    for folder, (name, options) in zip(folders, simulation.sets.items(), strict=True):
        source = _aligned_source(Path(data) / options.split)
        _simulate_set(_Asked(name, options, source, folder, augmenters.get(name)), job)
    if job is None:
        from mimidiar.data.validation import require_valid

        with_audio = [f for f, each in zip(folders, simulation.sets.values(), strict=True) if each.audio]
        for folder in with_audio if simulation.leaky else ():
            write_json(folder / "corpus.json", {"origin": "simulated conversations", "leaky": simulation.leaky})
        require_valid(with_audio, allow_shared=simulation.leaky is not None)
    return folders


def _augmenters(simulation: Simulation, augmenter: Augmenter | None) -> dict[str, Augmenter]:
    """The augmenter of each set to augment. MimidiarError for sounds without such a set."""
    if augmenter is None:
        return {}
    chosen = {
        name: augmenter
        for name, options in simulation.sets.items()
        if options.audio and any(fnmatchcase(name, pattern) for pattern in simulation.augmented)
    }
    if not chosen:
        raise MimidiarError(
            f"sounds to augment with, but no set with audio is like {', '.join(simulation.augmented)}: name some "
            f"of {', '.join(simulation.sets)} in 'augmented', or no sounds"
        )
    log.info(f"{', '.join(chosen)}: augmented with {augmenter.describe()}")
    return chosen


def _simulate_set(asked: _Asked, job: tuple[int, int] | None) -> None:
    corpora = {speaker: rows[0].corpus for speaker, rows in asked.source.items()}
    plan = plan_conversations(asked.name, asked.options, corpora)
    key = _identity(asked)
    if _finished(asked.folder, key):
        log.info(f"{asked.folder}: already there")
        return
    share = plan if job is None else plan[job[0] - 1 :: job[1]]
    missing = [conversation for conversation in share if not _rttm(asked.folder, conversation).is_file()]
    for conversation in tqdm(missing, desc=asked.folder.name, unit="conversation", disable=None):
        _make_conversation(conversation, asked)
    if job is None:
        _finish(asked, plan, key)


def _aligned_source(folder: Path) -> Source:
    source = read_source(folder)
    if silent := [u.id for utterances in source.values() for u in utterances if not u.speech]:
        raise MimidiarError(
            f"{folder}: no speech is marked in {len(silent)} utterances, first {silent[0]}; prepare the set again"
        )
    return source


def _identity(asked: _Asked) -> str:
    """A hash of all that determines the set (without paths of audio)."""
    rows = [[u.id, u.speaker, u.corpus, u.seconds, u.speech] for rows in asked.source.values() for u in rows]
    decisive = [asdict(asked.options), rows, *([asked.augmenter.asked()] if asked.augmenter else [])]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _finished(folder: Path, key: str) -> bool:
    """Whether the set is complete. Raises MimidiarError when the folder was begun with other options or utterances."""
    begun = folder / "plan.json"
    if not begun.is_file():
        write_json(begun, {"identity": key})
    if read_json(begun)["identity"] != key:
        message = f"{folder}: made with other options or other utterances; delete the folder, or write elsewhere"
        raise MimidiarError(message)
    return (folder / "simulation.json").is_file()


def _rttm(folder: Path, conversation: Conversation) -> Path:
    return folder / "rttm" / f"{conversation.id}.rttm"


def _flac(folder: Path, conversation: Conversation) -> Path:
    return folder / "wav" / f"{conversation.id}.flac"


def _make_conversation(conversation: Conversation, asked: _Asked) -> None:
    """Write the audio and then the RTTM of one conversation: with its RTTM, a conversation is complete."""
    options, around = asked.options, _surroundings(conversation, asked)
    source, responses = _at_drawn_speeds(conversation, asked), impulse_responses(around) if around else {}
    for attempt in range(MAX_TRIES):
        seed = conversation.seed(attempt)
        samples, turns = _session(source, responses, conversation, seed, asked)
        turns = make_turns(turns, conversation.seconds, options.join_gap_sec)
        spoken = [sum(turn.duration for turn in turns if turn.speaker == who) for who in conversation.speakers]
        if min(spoken) >= MIN_SPEAKER_SEC:
            break
    else:
        raise MimidiarError(
            f"{conversation.id}: in {MAX_TRIES} tries some of its {len(source)} speakers never spoke for "
            f"{MIN_SPEAKER_SEC} s; ask for longer conversations or fewer speakers"
        )
    if options.audio:
        samples, speech = samples[: round(conversation.seconds * SAMPLE_RATE)], [(t.start, t.end) for t in turns]
        if asked.augmenter and around:
            samples = asked.augmenter.add_noise(samples, speech, around, [conversation.seed(0)])
        write_flac(_flac(asked.folder, conversation), _as_recorded(samples, speech, options, seed))
    write_rttm(_rttm(asked.folder, conversation), turns)


def _surroundings(conversation: Conversation, asked: _Asked) -> Surroundings | None:
    return asked.augmenter.draw(conversation.speakers, [conversation.seed(0)]) if asked.augmenter else None


def _as_recorded(samples: np.ndarray, speech: SpeechTimes, options: ConversationSet, seed: int) -> np.ndarray:
    """The samples with the noise floor and at the level of a recording."""
    if options.noise_snr_db is not None:
        samples = add_noise_floor(samples, speech, options.noise_snr_db, seed)
    if options.level_dbfs is not None:
        samples = set_level(samples, speech, options.level_dbfs, seed)
    return samples


def _at_drawn_speeds(conversation: Conversation, asked: _Asked) -> Source:
    """The utterances of the conversation's speakers, each speaker at a drawn speed."""
    low, high = asked.options.speed_range or (1.0, 1.0)
    rng = np.random.default_rng([conversation.seed(0), 1])
    speeds = {speaker: round(rng.uniform(low, high), 3) for speaker in conversation.speakers}
    return {speaker: [u.at_speed(speed) for u in asked.source[speaker]] for speaker, speed in speeds.items()}


def _session(
    source: Source, responses: Mapping[str, np.ndarray], conversation: Conversation, seed: int, asked: _Asked
) -> tuple[np.ndarray, list[Turn]]:
    """NeMo's session (int16 samples, turns), long enough, made in a temporary folder."""
    folder, seconds = asked.folder, conversation.seconds
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=WORK_PREFIX) as work:
            name, room = conversation.id, Path(work).resolve()
            samples, turns = simulate_session(name, source, asked.options, seconds, seed, room, responses)
    except OSError as error:
        raise disk_error(error, folder) from error
    except soundfile.LibsndfileError as error:  # libsndfile reports a full disk only as "System error"
        free_mb = shutil.disk_usage(folder).free // 2**20
        message = f"{folder}: the simulator cannot write its audio ({error}); {free_mb} MB are free there"
        raise MimidiarError(message) from error
    if len(samples) < seconds * SAMPLE_RATE:
        raise MimidiarError(
            f"{conversation.id}: NeMo's session lasts {len(samples) / SAMPLE_RATE:.1f} s, expected at least "
            f"{seconds:.1f} s; is the disk of {folder} full?"
        )
    return samples, turns


def _finish(asked: _Asked, plan: list[Conversation], key: str) -> None:
    """Write reference, manifests and report, and remove the rest of interrupted runs."""
    folder, augmenter = asked.folder, asked.augmenter
    for left in [*folder.glob(f"{WORK_PREFIX}*"), *folder.glob(".*.partial*"), *folder.glob("*/.*.partial*")]:
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    turns = {conversation: read_rttm(_rttm(folder, conversation))[conversation.id] for conversation in plan}
    if asked.options.audio:
        _write_manifests(folder, turns)
    else:
        write_rttm(folder / "ref.rttm", [turn for own in turns.values() for turn in own])
        write_uem(folder / "all.uem", {conversation.id: [(0.0, conversation.seconds)] for conversation in plan})
    made = describe([(conversation.seconds, own) for conversation, own in turns.items()])
    about = {"identity": key, "asked": asdict(asked.options), "made": made}
    if augmenter:
        drawn = [_surroundings(conversation, asked) for conversation in plan]
        made |= {"noise_share": _share_of(d.kind for d in drawn), "reverb_share": _share_of(d.responses for d in drawn)}
        about["augment"] = augmenter.asked()
    write_json(folder / "simulation.json", about)
    _report(asked, made)


def _share_of(each: Iterable[object]) -> float:
    marks = [bool(one) for one in each]
    return round(sum(marks) / len(marks), 4)


def _write_manifests(folder: Path, turns: Mapping[Conversation, list[Turn]]) -> None:
    from mimidiar.data.manifests import file_recording
    from mimidiar.simulation.drawn_sets import write_simulated

    made = {}
    for conversation, own in turns.items():
        path = _flac(folder, conversation)
        samples = soundfile.info(str(path)).frames
        made[conversation.id] = file_recording(conversation.id, path, SAMPLE_RATE, samples), own
    write_simulated(folder, made)


def _report(asked: _Asked, made: dict) -> None:
    folder, options, augmenter = asked.folder, asked.options, asked.augmenter
    log.info(f"{folder}: {made['conversations']} conversations, {made['hours']:.2f} h, {made['speakers']} speakers")
    log.info(f"  {'':30s} asked    made")
    log.info(f"  {'silence, % of the time':30s} {100 * options.silence:5.1f} {100 * made['silence_share']:7.1f}")
    log.info(f"  {'overlap, % of the speech':30s} {100 * options.overlap:5.1f} {100 * made['overlap_share']:7.1f}")
    log.info(f"  {'mean turn, s':30s} {'':5s} {made['mean_turn_sec']:7.2f}")
    for count, wanted in speaker_shares(options).items():
        share = made["conversations_by_speakers"].get(str(count), 0) / made["conversations"]
        log.info(f"  {f'with {count} speakers, %':30s} {100 * wanted:5.1f} {100 * share:7.1f}")
    if augmenter is None:
        return
    shown = [("noise_share", "with noise, %", augmenter.noises), ("reverb_share", "in a room, %", augmenter.rooms)]
    for key, what in [(key, what) for key, what, sounds in shown if sounds]:
        log.info(f"  {what:30s} {100 * getattr(augmenter.options, key):5.1f} {100 * made[key]:7.1f}")
