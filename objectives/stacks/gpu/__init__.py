"""Stacks on CUDA devices (in tests: in Triton's interpreter) by Triton kernels of this project."""

from __future__ import annotations

import importlib.util
import os

import torch

from objectives.objective import PRECISIONS, Machine
from objectives.stack import Stack
from objectives.stacks.network_objective import NetworkObjective
from objectives.training.data import Split

BFLOAT16_CAPABILITY = (8, 0)
"""The first compute capability whose tensor cores multiply bfloat16 numbers."""


def gpu_stack(
    objective: NetworkObjective,
    machine: Machine,
    capacity: int | None = None,
    precision: str = "ieee",
    *,
    split: Split | None = None,
    quantum: int | None = None,
    lanes: int | None = None,
) -> Stack | None:
    """Build slots on a CUDA device; None for a network without kernels, for folds, or without Triton.

    Args:
        objective: exactly one of the three networks; a subclass may have changed it.
        machine: a CUDA device; a CPU only in Triton's interpreter (TRITON_INTERPRET=1).
        capacity: slots; None for `plan.CAPACITY`.
        precision: one of `PRECISIONS`; part of the route.
        split: train on this division instead of the objective's own.
        quantum: steps of one replayed graph; None for `plan.quantum`.
        lanes: slots evaluated together; None for `plan.LANES`. Neither of the two changes a trial.

    Raises:
        ValueError: an unknown precision, or a capacity below 1.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision = {precision!r}: not one of {', '.join(PRECISIONS)}")
    if capacity is not None and capacity < 1:
        raise ValueError(f"capacity = {capacity!r}: need at least 1")
    if not has_kernels(objective, machine):
        return None
    from objectives.stacks.gpu.plan import build

    return build(objective, machine, capacity, precision, split=split, quantum=quantum, lanes=lanes)


def has_kernels(objective: NetworkObjective, machine: Machine) -> bool:
    """Return whether `gpu_stack` gives a stack, without building one."""
    if not available(machine) or objective.folds is not None:
        return False
    from objectives.stacks.gpu.plan import CAPACITY

    return objective.gpu_kernels is not None and (objective.gpu_kernels, objective.data) in CAPACITY


def triton_installed() -> bool:
    """Return whether Triton is there, without importing it."""
    try:
        return importlib.util.find_spec("triton") is not None
    except (ImportError, ValueError):  # Whoever looks for modules here may refuse it.
        return False


def available(machine: Machine) -> bool:
    """Return whether Triton is installed and runs on the machine's device."""
    if not triton_installed():
        return False
    return machine.device.startswith("cuda") or os.environ.get("TRITON_INTERPRET") == "1"


def default_precision(device: str) -> str:
    """Choose the fastest precision of the kernels whose products are as accurate as float32's (see decision 31).

    Args:
        device: "cuda:N"; or "cuda" for any of the visible devices of the first one's kind, so that the first decides.
    """
    capability = torch.cuda.get_device_capability("cuda:0" if device == "cuda" else device)
    return "bf16x6" if capability >= BFLOAT16_CAPABILITY else "ieee"
