"""Figures: one function per figure, from plain data to a matplotlib Figure; matplotlib is loaded when one is drawn."""
