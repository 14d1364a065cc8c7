"""Stage 2: sets of conversations, each conversation made once, whatever the number of jobs and interruptions."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from mimidiar.annotation.rttm import read_rttm, write_rttm
from mimidiar.annotation.turns import Turn
from mimidiar.annotation.uem import write_uem
from mimidiar.corpora.audio import SAMPLE_RATE, write_flac
from mimidiar.corpora.source import SourceUtterance, read_source
from mimidiar.errors import MimidiarError
from mimidiar.files import disk_error, read_json, write_json
from mimidiar.simulate.nemo import simulate_session
from mimidiar.simulate.options import ConversationSet, Simulation, check_options, speaker_shares
from mimidiar.simulate.plan import Conversation, plan_conversations
from mimidiar.simulate.recording import add_noise_floor, set_level
from mimidiar.simulate.turns import describe, make_turns

Say = Callable[[str], None]
Source = dict[str, list[SourceUtterance]]
# A conversation in which a speaker says less than this is made again with another seed.
MIN_SPEAKER_SEC = 1.0
MAX_TRIES = 20
WORK_PREFIX = ".work-"


def simulate_sets(
    simulation: Simulation, data: str | Path, out: str | Path, job: tuple[int, int] | None = None, say: Say = print
) -> list[Path]:
    """Make every set of `simulation` from the prepared sets below `data`; returns the folders `out`/sim_<name>.

    With `job` (K, N) only that share of the conversations is made. Without it whatever is missing is made, then the
    manifests, `ref.rttm`, `all.uem` and `simulation.json` are written and the sets validated. A simulation that says
    why it is leaky may have the same voices in all sets; their corpus.json says so.
    """
    if not simulation.sets:
        raise MimidiarError("the simulation has no sets; name at least one below 'sets:'")
    for name, options in simulation.sets.items():
        check_options(name, options)
    folders = [Path(out) / f"sim_{name}" for name in simulation.sets]
    for folder, (name, options) in zip(folders, simulation.sets.items(), strict=True):
        _simulate_set(name, options, _aligned_source(Path(data) / options.split), folder, job, say)
    if job is None:
        from mimidiar.corpora.validate import require_valid  # lhotse and torch: only after NeMo

        with_audio = [f for f, each in zip(folders, simulation.sets.values(), strict=True) if each.audio]
        for folder in with_audio if simulation.leaky else ():
            write_json(folder / "corpus.json", {"origin": "simulated conversations", "leaky": simulation.leaky})
        require_valid(with_audio, allow_shared=simulation.leaky is not None)
    return folders


def _simulate_set(
    name: str, options: ConversationSet, source: Source, folder: Path, job: tuple[int, int] | None, say: Say
) -> None:
    plan = plan_conversations(name, options, {speaker: rows[0].corpus for speaker, rows in source.items()})
    key = _identity(options, source)
    if _finished(folder, key):
        say(f"{folder}: already there")
        return
    missing = [c for k, c in enumerate(plan) if _is_share(k, job) and not _rttm(folder, c).is_file()]
    for conversation in tqdm(missing, desc=folder.name, unit="conversation", disable=None):
        _make_conversation(conversation, options, source, folder)
    if job is None:
        _finish(folder, plan, options, key, say)


def _aligned_source(folder: Path) -> Source:
    source = read_source(folder)
    if silent := [u.id for utterances in source.values() for u in utterances if not u.speech]:
        raise MimidiarError(
            f"{folder}: no speech is marked in {len(silent)} utterances, first {silent[0]}; prepare the set again"
        )
    return source


def _is_share(index: int, job: tuple[int, int] | None) -> bool:
    return job is None or index % job[1] == job[0] - 1


def _identity(options: ConversationSet, source: Source) -> str:
    """A hash of all that decides what is made (not of where the audio lies)."""
    rows = [[u.id, u.speaker, u.corpus, u.seconds, u.speech] for rows in source.values() for u in rows]
    return hashlib.sha256(json.dumps([asdict(options), rows], sort_keys=True).encode()).hexdigest()


def _finished(folder: Path, key: str) -> bool:
    """True when the set is whole. Raises MimidiarError when the folder was begun with other options or utterances."""
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


def _make_conversation(conversation: Conversation, options: ConversationSet, source: Source, folder: Path) -> None:
    """Write the audio and then the RTTM of one conversation: where the RTTM is, the conversation is whole."""
    voices = _voices(conversation, options, source)
    for attempt in range(MAX_TRIES):
        seed = conversation.seed(attempt)
        samples, pieces = _session(voices, options, conversation, seed, folder)
        turns = make_turns(pieces, conversation.seconds, options.join_gap_sec)
        if all(_spoken(turns, speaker) >= MIN_SPEAKER_SEC for speaker in conversation.speakers):
            break
    else:
        raise MimidiarError(
            f"{conversation.id}: in {MAX_TRIES} tries some of its {len(voices)} speakers never spoke for "
            f"{MIN_SPEAKER_SEC} s; ask for longer conversations or fewer speakers"
        )
    if options.audio:
        _write_audio(
            _flac(folder, conversation), samples[: round(conversation.seconds * SAMPLE_RATE)], turns, options, seed
        )
    write_rttm(_rttm(folder, conversation), turns)


def _write_audio(path: Path, samples: np.ndarray, turns: list[Turn], options: ConversationSet, seed: int) -> None:
    """Finish the samples as a recording, and write them."""
    spoken = [(turn.start, turn.end) for turn in turns]
    if options.noise_snr_db is not None:
        samples = add_noise_floor(samples, spoken, options.noise_snr_db, seed)
    if options.level_dbfs is not None:
        samples = set_level(samples, spoken, options.level_dbfs, seed)
    write_flac(path, samples)


def _voices(conversation: Conversation, options: ConversationSet, source: Source) -> Source:
    """The utterances of the conversation's speakers, each speaker at a speed of his own."""
    low, high = options.speed_range or (1.0, 1.0)
    rng = np.random.default_rng([conversation.seed(0), 1])
    speeds = {speaker: round(rng.uniform(low, high), 3) for speaker in conversation.speakers}
    return {speaker: [u.at_speed(speed) for u in source[speaker]] for speaker, speed in speeds.items()}


def _session(
    voices: Source, options: ConversationSet, conversation: Conversation, seed: int, folder: Path
) -> tuple[np.ndarray, list[Turn]]:
    """NeMo's session (int16 samples, pieces), long enough, made in a folder that is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=WORK_PREFIX) as work:
            name, room = conversation.id, Path(work).resolve()
            samples, pieces = simulate_session(name, voices, options, conversation.seconds, seed, room)
    except OSError as error:
        raise disk_error(error, folder) from error
    except soundfile.LibsndfileError as error:  # all that libsndfile says of a full disk is "System error"
        free_mb = shutil.disk_usage(folder).free // 2**20
        message = f"{folder}: the simulator cannot write its audio ({error}); {free_mb} MB are free there"
        raise MimidiarError(message) from error
    if len(samples) < conversation.seconds * SAMPLE_RATE:
        raise MimidiarError(
            f"{conversation.id}: NeMo's session lasts {len(samples) / SAMPLE_RATE:.1f} s, expected at least "
            f"{conversation.seconds:.1f} s; is the disk of {folder} full?"
        )
    return samples, pieces


def _spoken(turns: list[Turn], speaker: str) -> float:
    return sum(turn.duration for turn in turns if turn.speaker == speaker)


def _finish(folder: Path, plan: list[Conversation], options: ConversationSet, key: str, say: Say) -> None:
    """Write reference, manifests and report, and clear away what interrupted runs left."""
    for left in [*folder.glob(f"{WORK_PREFIX}*"), *folder.glob("*/.*.partial*")]:
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    turns = {conversation: read_rttm(_rttm(folder, conversation))[conversation.id] for conversation in plan}
    if options.audio:
        _write_manifests(folder, turns)
    else:
        write_rttm(folder / "ref.rttm", [turn for own in turns.values() for turn in own])
        write_uem(folder / "all.uem", {conversation.id: [(0.0, conversation.seconds)] for conversation in plan})
    made = describe([(conversation.seconds, own) for conversation, own in turns.items()])
    write_json(folder / "simulation.json", {"identity": key, "asked": asdict(options), "made": made})
    _say_report(folder, options, made, say)


def _write_manifests(folder: Path, turns: Mapping[Conversation, list[Turn]]) -> None:
    from lhotse import SupervisionSegment  # imports torch: only after NeMo

    from mimidiar.corpora.manifests import file_recording, write_set

    recordings, supervisions = [], []
    for conversation, own in turns.items():
        samples = soundfile.info(str(_flac(folder, conversation))).frames
        recordings.append(file_recording(conversation.id, _flac(folder, conversation), SAMPLE_RATE, samples))
        for k, turn in enumerate(own):
            name, length = f"{conversation.id}-{k:04d}", round(turn.duration, 3)
            supervisions.append(SupervisionSegment(name, conversation.id, turn.start, length, speaker=turn.speaker))
    write_set(folder, recordings, supervisions)


def _say_report(folder: Path, options: ConversationSet, made: dict, say: Say) -> None:
    say(f"{folder}: {made['conversations']} conversations, {made['hours']:.2f} h, {made['speakers']} speakers")
    say(f"  {'':30s} asked    made")
    say(f"  {'silence, % of the time':30s} {100 * options.silence:5.1f} {100 * made['silence_share']:7.1f}")
    say(f"  {'overlap, % of the speech':30s} {100 * options.overlap:5.1f} {100 * made['overlap_share']:7.1f}")
    say(f"  {'mean turn, s':30s} {'':5s} {made['mean_turn_sec']:7.2f}")
    for count, asked in speaker_shares(options).items():
        share = made["conversations_by_speakers"].get(str(count), 0) / made["conversations"]
        say(f"  {f'with {count} speakers, %':30s} {100 * asked:5.1f} {100 * share:7.1f}")
