"""Holds the GPU's kernels against the reference loop, interpreted: `python -m tests.perf.gpu agreement`.

For every network and precision, configurations drawn from its space are trained side by side on a few digits for an
epoch. Printed are how many have the reference loop's wrong answers, and the greatest difference of a weight.
"""

from __future__ import annotations

import argparse
import os

import numpy as np

from objectives.objective import PRECISIONS

TOLERANCE = 1e-5
"""Of a weight after a few steps; sums run in another order."""
SLOTS = 4


def main(arguments: list[str]) -> int:
    """Compare and print; exit code 1 if a configuration differs by more than TOLERANCE."""
    os.environ["TRITON_INTERPRET"] = "1"  # Before Triton is imported.
    from tests.objectives.stacks.gpu.trials import OBJECTIVES

    parser = argparse.ArgumentParser(prog="tests.perf.gpu agreement", description=__doc__, allow_abbrev=False)
    parser.add_argument("--networks", nargs="+", choices=list(OBJECTIVES), default=list(OBJECTIVES))
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--configurations", type=int, default=20)
    parsed = parser.parse_args(arguments)
    worst = 0.0
    for name in parsed.networks:
        for precision in parsed.precisions:
            equal, difference = compare(name, precision, parsed.configurations)
            worst = max(worst, difference)
            print(
                f"{name} {precision}: {equal} of {parsed.configurations} with equal errors, "
                f"weights within {difference:.1e}",
                flush=True,
            )
    return 1 if worst > TOLERANCE else 0


def compare(name: str, precision: str, configurations: int) -> tuple[int, float]:
    """Train drawn configurations both ways; the number with equal errors, and the greatest difference of a weight."""
    from tests.objectives.stacks.gpu.trials import OBJECTIVES, curves, greatest_difference, reference, stack_of

    generator = np.random.default_rng(20)
    trials = [(number, OBJECTIVES[name]().space.sample(generator)) for number in range(configurations)]
    errors, weights = curves(stack_of(name, SLOTS, precision=precision), trials, 1)
    expected = {number: reference(name, number, config, 1) for number, config in trials}
    equal = sum(errors[number] == expected[number][0] for number, _ in trials)
    return equal, max(greatest_difference(weights[number], expected[number][1]) for number in weights)
