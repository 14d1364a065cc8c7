"""Scoring of diarization and verification output. Nothing in here imports torch or lhotse, directly or not."""
