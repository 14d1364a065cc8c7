"""Which corpus a speaker is of, and what a model card says of it: where it is from, and under which licence."""

# By the name that manifests call a corpus by: `corpus` of a supervision, or what stands before its speaker's dash.
CORPORA = {
    "ls": ("LibriSpeech (Panayotov et al. 2015), read English", "CC BY 4.0"),
    "so762": (
        "speechocean762 (Zhang et al. 2021), read English of learners, half of them children",
        "CC BY 4.0 (OpenSLR 101)",
    ),
    "vcc16": ("a part of the Voice Conversion Challenge 2016 (Toda et al. 2016), read English", "CC BY 4.0"),
    "ami": ("AMI (Carletta 2007), meetings in English", "CC BY 4.0"),
    "vox1": ("VoxCeleb1 (Nagrani et al. 2017), interviews", "CC BY 4.0"),
}
UNKNOWN = ("not known to mimidiar", "see whoever gave the corpus")


def corpus_of_speaker(speaker: str, folder: str) -> str:
    """'ls-1034' -> 'ls': folders that share speaker names are parts of one corpus. Without a prefix, the folder."""
    prefix, dash, _ = speaker.rpartition("-")
    return prefix.split("-")[0] if dash else folder


def describe_corpus(name: str) -> tuple[str, str]:
    """Origin and licence."""
    return CORPORA.get(name, UNKNOWN)
