"""LeNet on Fashion-MNIST with torch's convolutions and with compiled ones: `python -m tests.perf.convolution`.

Both train the same trial in one process and one thread, epoch by epoch in turn; medians of the epochs count, each
with its validation and test. Fashion-MNIST is looked for in the folder that INCUMBENT_DATA names, or in data/.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmark.reproducibility.environment import deterministic_arithmetic
from objectives.classification.lenet import LeNet
from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.training.data import DEFAULT_FOLDER


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a line for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-sizes", type=int, nargs="*", default=[32, 128, 255])
    parsed = parser.parse_args(arguments)
    machine = Machine(data=Path(os.environ.get("INCUMBENT_DATA", DEFAULT_FOLDER)))
    with deterministic_arithmetic("cpu"):
        for batch_size in parsed.batch_sizes:
            print(_line(machine, batch_size, parsed.epochs), flush=True)


def _line(machine: Machine, batch_size: int, epochs: int) -> str:
    curves = [_curve(convolution, machine, batch_size) for convolution in ("torch", "compiled")]
    seconds: list[list[float]] = [[], []]
    errors: list[list[float]] = [[], []]
    for _ in range(epochs):
        for way, curve in enumerate(curves):
            began = time.perf_counter()
            errors[way].append(next(curve).valid_error)
            seconds[way].append(time.perf_counter() - began)
    ratio = statistics.median(slow / fast for slow, fast in zip(*seconds, strict=True))
    medians = [statistics.median(times) for times in seconds]
    last = [error[-1] for error in errors]
    return (
        f"batches of {batch_size}: torch {medians[0]:.2f} s, compiled {medians[1]:.2f} s an epoch, "
        f"{ratio:.2f} x; validation errors {last[0]:.4f} and {last[1]:.4f} after {epochs} epochs"
    )


def _curve(convolution: str, machine: Machine, batch_size: int) -> Iterator[Epoch]:
    objective = LeNet(data="fashion_mnist", convolution=convolution)
    objective.prepare(machine)
    return objective.train({"learning_rate": 0.5, "batch_size": batch_size}, np.random.SeedSequence(0), machine)


if __name__ == "__main__":
    main()
