"""How much the GPU's measurements do, and the numbers that they are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

NAMES = ("softmax", "lenet", "dropout_mlp")
TRIALS = 2000
"""Trials of a whole comparison: two algorithms, 50 repetitions, 20 trials."""
CHAIN = 20
"""Trials that a sequential searcher trains one after the other."""
IMAGES = (50_000, 10_000, 10_000)
"""Training, validation and test images of Fashion-MNIST's standard split."""

FLOPS = {"fp32": 60e12, "tf32": 400e12}
BYTES_A_SECOND = 4.3e12
"""What an H200 reaches at best, in products and of its memory."""

TARGETS: Mapping[str, Mapping[str, float]] = {
    "softmax": {"tight": 150, "vmap": 10, "seconds": 60},
    "lenet": {"tight": 12, "vmap": 2.5, "seconds": 360},
    "dropout_mlp": {"tight": 20, "vmap": 5, "seconds": 600},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is checked of the bits.

    Attributes:
        trials: random configurations that are compared.
        sizes: of the stacks, each against a stack of one slot; filled up with other trials.
        epochs: of every trial.
        images: of the excerpt; training, validation, test.
        references: trials that the reference loop on the CPU trains too.
    """

    trials: int
    sizes: tuple[int, ...]
    epochs: int
    images: tuple[int, int, int]
    references: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured.

    Attributes:
        rounds: of whatever is timed; medians count.
        configs: that every side of a ratio trains.
        tight_steps: most steps of one configuration of the tight loop in a round.
        wave_steps: of torch.func in a round.
        refills: trials of the measured part of a comparison, in stacks.
        images: training, validation and test images of the timed parts.
        capacity: slots; None for the stack's own number.
        limit: seconds of a part.
        bits: what `bit_checks` checks.
    """

    rounds: int = 5
    configs: int = 8
    tight_steps: int = 150
    wave_steps: int = 20
    refills: int = 4
    images: tuple[int, int, int] = IMAGES
    capacity: int | None = None
    limit: float = 150
    bits: Extent


QUICK = Size(
    rounds=3,
    configs=4,
    tight_steps=60,
    wave_steps=10,
    refills=2,
    limit=60,
    bits=Extent(trials=8, sizes=(2, 7, 64), epochs=2, images=(1197, 300, 300), references=2),
)

SIZES: Mapping[str, Size] = {
    "full": Size(bits=Extent(trials=24, sizes=(2, 7, 64), epochs=2, images=(1197, 300, 300), references=4)),
    "quick": QUICK,
    "small": replace(QUICK, bits=Extent(trials=4, sizes=(2, 7), epochs=2, images=(333, 100, 100), references=1)),
    "tiny": Size(  # For Triton's interpreter.
        rounds=1,
        configs=1,
        tight_steps=2,
        wave_steps=1,
        refills=1,
        images=(12, 4, 4),
        capacity=1,
        limit=600,
        bits=Extent(trials=2, sizes=(2,), epochs=1, images=(5, 2, 2), references=1),
    ),
}
