"""A device beside the host, on a clock of its own: training takes time, and so do the host's decisions.

The device refuses whatever would make the host wait but `finish`, and whatever it could not do while it trains.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from objectives.epoch import Epoch
from objectives.space import Config
from objectives.stack import Ticket
from objectives.stacks.gpu.lead import Lead
from tests.benchmark.fakes.stacked_toy import Script, Slot, StackedToy, ToyStack


@dataclass(slots=True, kw_only=True)
class Clock:
    """Seconds of a host that never sleeps but to wait for its device.

    Attributes:
        now: the time.
        decision: seconds that a decision takes.
        decided: seconds that all of them took.
    """

    now: float = 0.0
    decision: float = 0.0
    decided: float = 0.0

    def decide(self) -> None:
        self.now += self.decision
        self.decided += self.decision


CLOCK = Clock()


class SlowScript(Script):
    """A script whose every proposal takes time; as adaptive as a searcher that learns."""

    def suggest(self) -> Config | None:
        CLOCK.decide()
        return super().suggest()


@dataclass(slots=True, kw_only=True)
class Round:
    """A training that was started.

    Attributes:
        end: when it will have ended.
        steps: of it.
        finished: the trials that finish an epoch with it.
    """

    end: float
    steps: int
    finished: list[Ticket]


class DeviceStack(ToyStack):
    """Trains beside the host, in short rounds of which a few are started ahead, as the stack on a GPU does.

    Args:
        objective: says what an epoch comes to.
        capacity: slots.
        step: seconds of a step of all slots.
        most: steps of a round at most.
        overlaps: whether `begin` starts anything; without, the host waits through every training.
        breaks: (number, where): that many rounds go well, the next raises at "begin" or "finish".
        error: what it raises then.

    Attributes:
        busy: seconds of all rounds so far.
    """

    def __init__(
        self,
        objective: StackedToy,
        capacity: int,
        *,
        step: float = 1.0,
        most: int = 4,
        overlaps: bool = True,
        breaks: tuple[int, str] | None = None,
        error: Exception | None = None,
    ) -> None:
        super().__init__(objective, capacity)
        self.step, self.most, self.overlaps = step, most, overlaps
        self.lead = Lead(least=2 * most, clock=lambda: CLOCK.now, step=step)
        self.breaks, self.error = breaks, error
        self.rounds: deque[Round] = deque()
        self.epochs: dict[Ticket, int] = {}
        self.left: dict[Ticket, int] = {}
        self.begun = self.finished = 0
        self.busy = 0.0

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Slot | None = None) -> None:
        super().admit(ticket, config, seed, saved)
        self.epochs[ticket], self.left[ticket] = self.slots[ticket].epoch, self.steps(ticket)

    def steps(self, ticket: Ticket) -> int:
        """Steps of an epoch of a trial: other numbers for other trials."""
        return 16 + 8 * (int(self.slots[ticket].config["x"]) % 7)

    def begin(self, until: Mapping[Ticket, int]) -> None:
        assert until.keys() == self.slots.keys()
        self.until = until
        if self.overlaps:
            self.lead.come_back()
            self._start()
            self.lead.leave()

    @property
    def in_flight(self) -> int:
        return sum(each.steps for each in self.rounds)

    def _start(self) -> None:
        while self.in_flight < self.lead.steps:
            tickets = [ticket for ticket in self.slots if self.epochs[ticket] < self.until[ticket]]
            if not tickets:
                return
            self._break_at("begin", self.begun)
            steps = min(self.most, *(self.left[ticket] for ticket in tickets))
            start = max(CLOCK.now, self.rounds[-1].end if self.rounds else 0.0)
            finished = [ticket for ticket in tickets if self.left[ticket] == steps]
            for ticket in tickets:
                self.left[ticket] -= steps
            for ticket in finished:
                self.epochs[ticket], self.left[ticket] = self.epochs[ticket] + 1, self.steps(ticket)
            self.rounds.append(Round(end=start + steps * self.step, steps=steps, finished=finished))
            self.busy, self.begun = self.busy + steps * self.step, self.begun + 1

    @property
    def ready(self) -> bool:
        return bool(self.rounds) and CLOCK.now >= self.rounds[0].end

    def finish(self) -> list[tuple[Ticket, Epoch | Exception]]:
        if not self.overlaps:
            self._start()
        self._break_at("finish", self.finished)
        self.finished += 1
        self.lead.come_back()
        ended = self.rounds.popleft()  # The host waits for nothing that was not started.
        CLOCK.now = max(CLOCK.now, ended.end)
        results = [(ticket, self._train(self.slots[ticket])) for ticket in ended.finished if ticket in self.slots]
        for ticket, result in results:
            if isinstance(result, Exception) or result.diverged:
                self.remove(ticket)
        return results

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        raise AssertionError("the halves are called one by one")

    def pause(self, ticket: Ticket) -> Any:
        assert ticket not in {other for each in self.rounds for other in each.finished}, "the host would wait for it"
        assert self.left[ticket] == self.steps(ticket), "in the middle of an epoch"
        return self.remove(ticket)

    def remove(self, ticket: Ticket) -> Any:
        del self.left[ticket], self.epochs[ticket]
        return self.slots.pop(ticket)

    def _break_at(self, where: str, number: int) -> None:
        if self.breaks == (number, where):
            assert self.error is not None
            raise self.error
