"""Annotations: turns, regions of time, and their file formats. Neither torch nor lhotse is loaded here."""
