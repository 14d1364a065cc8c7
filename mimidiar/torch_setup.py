"""How every command of this package sets torch up: one thread, the same result each time, one device."""

import torch

from mimidiar.errors import MimidiarError


def use_one_thread() -> None:
    """One thread and deterministic kernels, for this process.

    Work is spread over processes (`--nj`): on small machines two threads were slower than one, and sums that are
    split over threads differ from machine to machine.
    """
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It would write every new tensor once in vain, against code that reads what it has not written.
    torch.utils.deterministic.fill_uninitialized_memory = False


def pick_device(name: str = "auto") -> torch.device:
    """`auto` (CUDA where there is one, else CPU), `cpu` or `cuda`. Raises MimidiarError when it is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise MimidiarError("--device cuda: torch finds no CUDA device here; use --device cpu, or auto")
    if name not in ("cpu", "cuda"):
        raise MimidiarError(f"--device {name}: choose auto, cpu or cuda")
    return torch.device(name)
