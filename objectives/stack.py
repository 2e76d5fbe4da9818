"""The interface of stacks, which train several trials at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from objectives.epoch import Epoch
from objectives.space import Config

Ticket = Hashable
"""The caller's name for a trial in a slot."""


Start = Callable[[Config, np.random.SeedSequence], Iterator[Epoch]]
"""Begins a trial's training, an epoch for every item drawn."""

Context = Callable[[], AbstractContextManager[None]]
"""Makes the context in which a third party's code is called."""


class RouteRefused(ValueError):
    """A route was asked for that an objective cannot take on this machine."""


@dataclass(slots=True, kw_only=True)
class Work:
    """Counters of a stack, in multiply-adds of training steps; they never influence a result.

    Attributes:
        steps: stack steps, each of which moves every live slot on by one minibatch.
        useful: multiply-adds that the trials asked for (their rows, their widths).
        spent: multiply-adds computed for all slots: padding and empty slots included.
    """

    steps: int = 0
    useful: float = 0.0
    spent: float = 0.0


class Stack(ABC):
    """A fixed number of slots, each of which trains a trial of its own, an epoch at a time.

    The bit contract: on one platform the epochs of a trial are a function of (objective,
    configuration, seed) alone. Stack size, slot, neighbours (one that diverges included), order of
    admission and pauses change nothing.

    Attributes:
        route: how it computes.
        arithmetic: "reference" where the bits are those of `Objective.train`, else a name for what
            decides them; ledgers of different arithmetic are not mixed.
        route_reason: why it computes this way, where a faster way was passed over or the user asked for it.
        capacity: slots.
        parallel: whether a trial beside others takes less time than one after them.
        work: counters.
    """

    route: str
    route_reason: str | None = None
    arithmetic: str
    capacity: int
    parallel: bool = True
    work: Work

    @property
    @abstractmethod
    def free(self) -> int:
        """Number of slots without a trial."""

    @abstractmethod
    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Any = None) -> None:
        """Put a trial into a free slot, untrained or as `pause` saved it."""

    @abstractmethod
    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        """Train on until some trials have finished an epoch, and return these.

        A trial goes on with its next epoch at the next call, unless it is paused. One that has
        diverged or raised has left its slot.
        """

    def begin(self, until: Mapping[Ticket, int]) -> None:  # noqa: B027 (on a CPU `finish` does the work)
        """Start training that a device carries out beside this process, and return at once.

        Called again while the device trains, it sees to it that the device has enough to do. Meanwhile the
        caller may admit trials and pause those that have come to their `until`. A stack that trains on this
        process's own cores starts nothing.

        Args:
            until: for every trial in a slot, after how many of its epochs it rests.
        """

    @property
    def ready(self) -> bool:
        """Return whether something that `begin` started has ended, so that `finish` would not wait."""
        return False

    def finish(self) -> list[tuple[Ticket, Epoch | Exception]]:
        """Wait for what `begin` started first, and return the epochs that have ended with it, if any.

        Where `begin` starts nothing, this is `advance`.
        """
        return self.advance()

    def remove(self, ticket: Ticket) -> None:
        """Take a trial that has finished an epoch out of its slot, although its training may have gone on since."""
        self.pause(ticket)

    @abstractmethod
    def pause(self, ticket: Ticket) -> Any:
        """Take a trial that has finished an epoch, and was not trained since, out of its slot.

        Returns:
            What `admit` of a stack of the same objective, route and device needs to go on with it.
        """

    def isolate(self, start: Start, context: Context) -> None:  # noqa: B027 (most stacks run no code but their own)
        """Keep trials apart whose objective is a third party's: what one does to the process, no other may find.

        Args:
            start: begins a training that is kept apart.
            context: for every other call of the objective's code that serves one trial.
        """
