"""The learning rate over the steps of a run, and its precisions."""

import math

from mimidiar.errors import MimidiarError

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
SCHEDULES = ("cosine", "inverse_sqrt")


def learning_rate_factor(step: int, warmup_steps: int, total_steps: int, schedule: str = "cosine") -> float:
    """Linear warm-up, then half a cosine to 0 at the last step, or the inverse square root of the step."""
    warmup = max(warmup_steps, 1)
    if step < warmup:
        return (step + 1) / warmup
    if schedule == "inverse_sqrt":
        return math.sqrt(warmup / (step + 1))
    progress = min((step - warmup) / max(total_steps - warmup, 1), 1.0)
    return 0.5 * (1 + math.cos(math.pi * progress))


def check_shares(source: str, batch_size: int, processes: int) -> None:
    """Raise MimidiarError unless the processes can share a batch equally."""
    if batch_size % processes:
        raise MimidiarError(
            f"{source}: batch_size is {batch_size}, which {processes} processes cannot share equally; make it "
            f"a multiple of {processes}, or take another number of processes"
        )
