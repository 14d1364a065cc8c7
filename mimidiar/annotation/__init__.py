"""Who speaks when: turns, regions of time, and the files that hold them. Neither torch nor lhotse is loaded here."""
