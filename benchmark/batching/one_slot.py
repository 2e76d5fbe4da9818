"""A stack of one slot for objectives that have none of their own, so that their trials can be shared too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmark.errors import one_line
from benchmark.tuning.trainer import Curve
from objectives.epoch import Epoch
from objectives.objective import Machine, Objective
from objectives.space import Config
from objectives.stack import Stack, Ticket, Work


class OneSlot(Stack):
    """Trains one trial at a time by `Objective.train`; a paused trial is its suspended iterator.

    Args:
        objective: trains.
        machine: device and data folder.
    """

    route = "alone"
    capacity = 1
    parallel = False

    def __init__(self, objective: Objective, machine: Machine) -> None:
        self.objective, self.machine = objective, machine
        self.arithmetic = objective.arithmetic(machine, stacked=False)
        self.work = Work()
        self._slot: tuple[Ticket, Curve] | None = None

    @property
    def free(self) -> int:
        return int(self._slot is None)

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Curve | None = None) -> None:
        with _exits_as_errors():
            curve = saved or Curve(self.objective, config, seed, self.machine)
        self._slot = ticket, curve

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        if self._slot is None:
            return []
        ticket, curve = self._slot
        try:
            with _exits_as_errors():
                epoch = next(curve)
        except Exception as error:  # Third-party training may raise anything.
            self._slot = None
            return [(ticket, error)]
        if epoch.diverged:
            self._slot = None
        return [(ticket, epoch)]

    def pause(self, ticket: Ticket) -> Any:
        assert self._slot is not None, "pause follows advance"
        (_, curve), self._slot = self._slot, None
        return curve


@contextmanager
def _exits_as_errors() -> Iterator[None]:
    """Turn what would end the process into an error of the trial, as the trainer of a single run does."""
    try:
        yield
    except (SystemExit, GeneratorExit) as error:
        raise RuntimeError(f"training raised {one_line(error)}") from error
