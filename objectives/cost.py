"""The cost of a trial in counts of work, which a calibration turns into seconds on some device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from objectives.epoch import Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTerms:
    """How much of each named kind of work a trial asks for, all >= 0.

    The names are an objective's own and the same for all its configurations. A calibration holds the
    seconds that one of each takes, so that a price is a sum of products, the same on every machine.

    Attributes:
        set_up: once, before the first epoch.
        epoch: in every epoch, its validation included. Each grows with the data trained on, so that
            a part of an epoch can be timed for the whole.
    """

    set_up: Mapping[str, float]
    epoch: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A training to be timed.

    Attributes:
        epochs: trains when drawn from; only the seconds of its items mean anything.
        count: how many epochs to draw.
        terms: what it costs; less than a trial's where it trains on a part of the data.
        whole: whether it is a trial from beginning to end.
    """

    epochs: Iterator[Epoch]
    count: int
    terms: CostTerms
    whole: bool
