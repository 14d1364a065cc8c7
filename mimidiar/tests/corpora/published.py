"""Small trees in the exact layouts of published corpora. The sounds are noise, unless `sound` brings others."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mimidiar.tests.corpora.trees import write_audio

Sound = Callable[[Path], object]
MUSIC_NOTES = "music-fma-0000 jazz,blues N Ann_Artist\nmusic-fma-0001 pop Y Bob_Band\n"


def write_voxceleb1(root: Path, utterances: Mapping[str, int], trials: str = "", sound: Sound = write_audio) -> Path:
    """`utterances`: speaker -> how many, two to a video; vox1_meta.csv and iden_split.txt name exactly these."""
    meta, files = ["VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet"], []
    for k, (speaker, count) in enumerate(utterances.items()):
        part = "test" if 10270 <= int(speaker[2:]) <= 10309 else "dev"
        meta.append(f"{speaker}\tA.{k}_Name\t{'mf'[k % 2]}\tNew Zealand\t{part}")
        names = [f"{speaker}/-vid_{n // 2:06d}/{n % 2 + 1:05d}.wav" for n in range(count)]
        files += [f"{k % 3 + 1} {name}" for name in names]
        for name in names:
            sound(root / "wav" / name)
    (root / "vox1_meta.csv").write_text("\n".join(meta) + "\n")
    (root / "iden_split.txt").write_text("\n".join(files) + "\n")
    if trials:
        (root / "veri_test2.txt").write_text(trials)
    return root


def write_librispeech(
    root: Path, parts: Mapping[str, Sequence[int]], words: str | None = None, sound: Sound = write_audio
) -> Path:
    """`parts`: part -> its speakers, each with a chapter 77 of two utterances.

    `words`: what follows the name of the first utterance of each speaker in the file of word times.
    """
    base = root / "LibriSpeech"
    speakers = [";ID  |SEX| SUBSET           |MINUTES| NAME"]
    for part, numbers in parts.items():
        for number in numbers:
            folder = base / part / str(number) / "77"
            names = [f"{number}-77-{n:04d}" for n in range(2)]
            for name in names:
                sound(folder / f"{name}.flac")
            (folder / f"{number}-77.trans.txt").write_text("".join(f"{name} THE END\n" for name in names))
            if words is not None:
                (folder / f"{number}-77.alignment.txt").write_text(f"{names[0]} {words}\n")
            speakers.append(f"{number:<4} | {'MF'[number % 2]} | {part} | 25.1 | Name, A.")
    (base / "SPEAKERS.TXT").write_text("\n".join(speakers) + "\n")
    return root


def write_musan(root: Path) -> Path:
    """Two pieces of music, one of speech, two noises."""
    files = {"music/fma": 2, "speech/librivox": 1, "noise/free-sound": 2}
    for folder, count in files.items():
        part, source = folder.split("/")
        for k in range(count):
            write_audio(root / "musan" / folder / f"{part}-{source}-{k:04d}.wav")
    (root / "musan" / "music" / "fma" / "ANNOTATIONS").write_text(MUSIC_NOTES)
    (root / "musan" / "speech" / "librivox" / "ANNOTATIONS").write_text("speech-librivox-0000 m english\n")
    (root / "musan" / "noise" / "free-sound" / "ANNOTATIONS").write_text("background noises\nnoise-free-sound-0001\n")
    return root


def write_rirs(root: Path) -> Path:
    """One simulated room of each size, a real response with its noise, a point noise."""
    top = root / "RIRS_NOISES"
    for size in ("small", "medium", "large"):
        folder = top / "simulated_rirs" / f"{size}room"
        write_audio(folder / "Room001" / "Room001-00001.wav", 0.3)
        line = f"--rir-id {size}-1 --room-id {size}-Room001 {folder.relative_to(root)}/Room001/Room001-00001.wav\n"
        (folder / "rir_list").write_text(line)
    real = top / "real_rirs_isotropic_noises"
    write_audio(real / "RVB2014_type1_rir_largeroom1_far_angla.wav", 0.3, channels=2)
    write_audio(real / "RVB2014_type1_noise_largeroom1_1.wav")
    where = real.relative_to(root)
    rir = f"--rir-id 00001 --room-id 001 {where}/RVB2014_type1_rir_largeroom1_far_angla.wav\n"
    noise = f"--noise-id 001 --noise-type isotropic {where}/RVB2014_type1_noise_largeroom1_1.wav\n"
    (real / "rir_list").write_text(rir)
    (real / "noise_list").write_text(noise)
    write_audio(top / "pointsource_noises" / "noise-free-sound-0000.wav")
    point = "--noise-id 001 --noise-type point-source RIRS_NOISES/pointsource_noises/noise-free-sound-0000.wav\n"
    (top / "pointsource_noises" / "noise_list").write_text(point)
    return root
