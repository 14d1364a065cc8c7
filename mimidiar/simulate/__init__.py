"""Conversations made of single utterances by NeMo's multi-speaker simulator."""
