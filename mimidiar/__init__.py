"""mimidiar: does the Mimi codec know who is speaking, and can it diarize on the fly?"""

__version__ = "0.1.0"


def __getattr__(name: str):
    """`Diarizer`, loaded when it is asked for: it needs torch, and most of the package does not."""
    if name == "Diarizer":
        from mimidiar.diarize.pretrained import Diarizer

        return Diarizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
