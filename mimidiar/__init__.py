"""mimidiar: does the Mimi codec know who is speaking, and can it diarize on the fly?"""

__version__ = "0.1.0"
