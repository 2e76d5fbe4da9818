"""Synchronous successive halving (Jamieson and Talwalkar, 2016, algorithm 1)."""

from __future__ import annotations

from collections import deque
from typing import Any

from algorithms.option_checks import require_int
from algorithms.roles import Searcher
from algorithms.schedulers.rungs import check_rungs, rungs
from objectives.space import FIDELITY, Config


class SuccessiveHalving:
    """Train many configurations briefly, the best 1 / eta of them eta times longer, and so on.

    A round starts `prefact * eta**K` configurations on the lowest of the K + 1 rungs. When all of a
    rung are in, the best `prefact * eta**(K - k)` go on to rung k; until then there is nothing to
    start. After the top rung a new round begins.

    Differs from the paper: rounds repeat until the budget ends. Differs from the book's code: the
    searcher's configuration is copied, not changed; configurations train in the order proposed, the
    default first; promoted ones in the order of their error; ties keep the earlier one.

    Args:
        searcher: proposes the configurations of the lowest rung, and is told every result.
        max_epochs: the top rung, unless `r_max` says otherwise.
        eta: keep one in eta, >= 2.
        r_min: epochs of the lowest rung.
        r_max: epochs of the top rung.
        prefact: configurations on the top rung.

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        max_epochs: int,
        eta: int = 2,
        r_min: int = 1,
        r_max: int | None = None,
        prefact: int = 1,
    ) -> None:
        top = check_rungs(max_epochs, eta, r_min, r_max)
        require_int("prefact", prefact, 1, 10_000)
        self.searcher = searcher
        self.rung_epochs = rungs(r_min, top, eta)
        self.sizes = [prefact * eta**k for k in reversed(range(len(self.rung_epochs)))]
        self.queue: deque[Config] = deque()
        self.awaited = 0
        self.rung = len(self.rung_epochs) - 1
        self.results: list[tuple[float, Config]] = []

    def suggest(self) -> Config | None:
        if not self.queue and self.awaited == 0:
            self._next_rung()
        if not self.queue:
            return None
        self.awaited += 1
        return self.queue.popleft()

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(config, error, additional_info=info)
        self.results.append((error, dict(config)))
        self.awaited -= 1

    def _next_rung(self) -> None:
        """Promote the best of a finished rung, or begin a new round after the top one."""
        if self.rung + 1 < len(self.rung_epochs):
            self.rung += 1
            ranked = sorted(self.results, key=lambda result: result[0])
            chosen = [config for _, config in ranked[: self.sizes[self.rung]]]
        else:
            self.rung = 0
            proposed = (self.searcher.sample_configuration() for _ in range(self.sizes[0]))
            chosen = [config for config in proposed if config is not None]
        self.results = []
        self.queue.extend({**config, FIDELITY: self.rung_epochs[self.rung]} for config in chosen)
