"""Draws the recorded trials that an audit trains again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from benchmark.errors import BadInput, short_repr
from benchmark.reproducibility.seeding import seed_sequence

DEFAULT = "5%"
LONGEST_NUMBER = 10
"""Characters of a share or a count; longer text is refused before it is converted."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RecordedTrial:
    """A recorded trial.

    Attributes:
        kind: "promoted", or the state of its last evaluation: rare kinds are drawn from by themselves.
    """

    objective: str
    algorithm: str
    kind: str
    repetition: int
    trial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How many trials to draw.

    Attributes:
        text: as the user wrote it.
        share: of all trials, in 0..1; None with a `count`.
        count: number of trials.
    """

    text: str
    share: Fraction | None = None
    count: int | None = None

    def draw(self, trials: Iterable[RecordedTrial], seed: int) -> list[RecordedTrial]:
        """Draw the same trials for the same seed; a larger sample contains a smaller one.

        Every objective, algorithm and kind is a stratum of its own, and the share of each is drawn,
        rounded up: no stratum is left out, and a few trials more are drawn than asked for.
        """
        strata: dict[tuple[str, str, str], list[RecordedTrial]] = {}
        for trial in sorted(trials):
            strata.setdefault((trial.objective, trial.algorithm, trial.kind), []).append(trial)
        total = sum(map(len, strata.values()))
        share = self.share if self.share is not None else Fraction(min(self.count or 1, total), max(total, 1))
        drawn = []
        for name, stratum in strata.items():
            order = np.random.default_rng(seed_sequence(seed, "audit", *name)).permutation(len(stratum))
            drawn += [stratum[position] for position in order[: math.ceil(share * len(stratum))]]
        return sorted(drawn)


def parse_sample(text: str) -> Sample:
    """Parse "5%", "40" or "all".

    Raises:
        BadInput: anything else.
    """
    if text == "all":
        return Sample(text=text, share=Fraction(1))
    digits = text.removesuffix("%")
    well_formed = digits.isascii() and digits.replace(".", "", 1).isdigit() and len(digits) <= LONGEST_NUMBER
    number = Fraction(f"0{digits}") if well_formed else Fraction(0)
    if well_formed and text.endswith("%"):
        if not 0 < number <= 100:
            raise BadInput(f"--sample {short_repr(text)}: need a share above 0% and up to 100%")
        return Sample(text=text, share=number / 100)
    if number < 1 or "." in digits:
        raise BadInput(f"--sample {short_repr(text)}: need a share as 5%, a number of trials >= 1, or all")
    return Sample(text=text, count=int(number))
