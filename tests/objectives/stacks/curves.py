"""Stacked and reference learning curves side by side, on images of Fashion-MNIST.

    python -m tests.objectives.stacks.curves FOLDER [training images] [epochs] [configurations]

prints, for each objective, every configuration's final validation error by the reference loop and by the
stack, and the largest difference over the curve of validation and test errors.
"""

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from objectives import OBJECTIVES
from objectives.objective import Machine
from objectives.training import data
from objectives.training.data import DataSet, load_fashion_mnist
from tests.objectives.stacks.trials import alone, through, trials

NAMES = ("softmax", "lenet", "dropout_mlp")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One configuration's curves of (validation error, test error, diverged), by the reference and stacked."""

    name: str
    config: dict
    reference: list
    stacked: list

    @property
    def difference(self):
        """The largest over the curve, of validation and test errors; infinite where one ends before the other."""
        if len(self.reference) != len(self.stacked):
            return float("inf")
        both = zip(self.reference, self.stacked, strict=True)
        return max(abs(one - other) for pair in both for one, other in zip(*pair, strict=True))


def part_of(folder, train, held_out):
    """The first training images, and as many of the validation and test images."""
    whole = load_fashion_mnist(folder)
    cut = len(whole.develop) - whole.valid_size
    chosen = np.concatenate([np.arange(train), np.arange(cut, cut + held_out)])
    return DataSet(
        develop=whole.develop.take(chosen),
        test=whole.test.take(np.arange(held_out)),
        valid_size=held_out,
        checksums=whole.checksums,
    )


@contextmanager
def in_place_of_the_whole(part):
    """The machine that finds these images as Fashion-MNIST."""
    whole = data.LOADERS["fashion_mnist"]
    data.LOADERS["fashion_mnist"] = lambda folder: part
    try:
        yield Machine(data=Path(f"{len(part.develop)} images and {len(part.test)} to test"))
    finally:
        data.LOADERS["fashion_mnist"] = whole


def pairs(name, count, epochs, machine):
    """Random configurations of an objective, trained both ways; the default is the first, if there is one."""
    objective = OBJECTIVES[name](data="fashion_mnist", epochs=epochs)
    queue = trials(objective, count, seed=20)
    if objective.default is not None:
        queue[0].config.update(objective.default)
    reference = alone(objective.reference, queue, epochs, machine)
    stacked = through([objective.stack(machine, 7)], queue, epochs)
    return [
        Pair(name=name, config=trial.config, reference=reference[trial.number], stacked=stacked[trial.number])
        for trial in queue
    ]


def row(number, pair):
    settings = "  ".join(f"{key} {value:.4g}" for key, value in pair.config.items())
    ends = [f"{curve[-1][0]:.4f}{' diverged' if curve[-1][2] else ''}" for curve in (pair.reference, pair.stacked)]
    return f"{number:3d}  {ends[0]:>15}  {ends[1]:>15}  {pair.difference:10.4f}  {settings}"


def main(folder, train=6000, epochs=3, count=20):
    torch.set_num_threads(1)
    with in_place_of_the_whole(part_of(Path(folder), int(train), int(train) // 3)) as machine:
        for name in NAMES:
            found = pairs(name, int(count), int(epochs), machine)
            print(f"\n{name}: {train} training images, {epochs} epochs; worst {max(pair.difference for pair in found)}")
            print(f"{'':3}  {'reference':>15}  {'stacked':>15}  {'difference':>10}  configuration")
            print("\n".join(row(number, pair) for number, pair in enumerate(found)))


if __name__ == "__main__":
    main(*sys.argv[1:])
