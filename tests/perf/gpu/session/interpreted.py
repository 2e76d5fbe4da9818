"""Calls `python -m benchmark` where the CPU has the GPU's stacks, in Triton's interpreter, and digits are few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np

from benchmark.cli.main import main as benchmark
from objectives.classification import base
from objectives.stacks import route
from objectives.training import data
from objectives.training.data import DataSet

TRAIN, VALID, TEST = 13, 5, 4
"""Digits: not a multiple of any batch, so that the last one is short."""
CAPACITY = 3


@contextmanager
def gpu_in_the_interpreter() -> Iterator[None]:
    """A process in which the CPU has the kernels' stacks; it must have been started with TRITON_INTERPRET=1."""
    from objectives.stacks.gpu import plan

    whole = data.load_digits()
    few = DataSet(
        develop=whole.develop.take(np.arange(TRAIN + VALID)),
        test=whole.test.take(np.arange(TEST)),
        valid_size=VALID,
        checksums=whole.checksums,
    )
    capacity = {key: min(slots, CAPACITY) for key, slots in plan.CAPACITY.items()}
    with (
        mock.patch.dict(data.LOADERS, {"digits": lambda folder: few}),
        mock.patch.object(plan, "CAPACITY", capacity),
        mock.patch.object(base, "choose_route", route._gpu),
        mock.patch.object(base, "_warm_up"),
    ):
        yield


def main(arguments: list[str]) -> int:
    """Return the exit code of the command; one process, so that the stand-ins are where the training is."""
    jobs = ["--jobs", "1"] if arguments[0] == "run" else []
    with gpu_in_the_interpreter():
        return benchmark([*arguments, *jobs])
