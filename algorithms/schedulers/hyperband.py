"""Hyperband (Li et al., 2018, JMLR 18(185), algorithm 1); with a model-based searcher the loop of BOHB."""

from __future__ import annotations

from collections import deque
from typing import Any

from algorithms.option_checks import require_int
from algorithms.roles import Searcher
from algorithms.schedulers.rungs import check_rungs, is_over
from objectives.space import FIDELITY, Config


def brackets_of(r_min: int, r_max: int, eta: int) -> list[list[tuple[int, int]]]:
    """Compute the rungs of the brackets s = s_max, ..., 0: (n_i, r_i) for i = 0, ..., s.

    s_max = floor(log_eta(R / r_min)), n = ceil((s_max + 1) / (s + 1) * eta**s), n_i = floor(n / eta**i)
    and r_i = R * eta**(i - s), all by whole numbers. Where R is no power of eta times r_min, r_i is
    rounded down: that keeps rungs apart by a factor of eta at least, all of them >= r_min, and no
    trial above the paper's budget (r_min = 1, R = 10, eta = 3: 1, 3, 10).
    """
    s_max = 0
    while r_min * eta ** (s_max + 1) <= r_max:
        s_max += 1
    brackets = []
    for s in reversed(range(s_max + 1)):
        n = -(-(s_max + 1) * eta**s // (s + 1))
        brackets.append([(n // eta**i, r_max // eta ** (s - i)) for i in range(s + 1)])
    return brackets


class Bracket:
    """One round of successive halving (lines 4 to 10 of algorithm 1), which any number of workers may serve.

    Args:
        searcher: asked for a configuration only when one is to start.
        rungs: (n_i, r_i), configurations and epochs of each.
    """

    def __init__(self, searcher: Searcher, rungs: list[tuple[int, int]]) -> None:
        self.searcher, self.rungs = searcher, rungs
        self.rung = 0
        self.to_draw = rungs[0][0]
        self.queue: deque[Config] = deque()
        self.running: list[Config] = []
        self.results: list[tuple[float, Config]] = []

    def suggest(self) -> Config | None:
        """Return the next configuration; None while the rung awaits results, and when nothing is left."""
        config = self._draw()
        if config is None:
            if self.results and not self.queue and not self.running:
                self._promote()
            if not self.queue:
                return None
            config = self.queue.popleft()
        self.running.append({**config, FIDELITY: self.rungs[self.rung][1]})
        return dict(self.running[-1])

    def record(self, config: Config, error: float, info: Any) -> bool:
        """Record a result if it belongs to this bracket; return whether it does."""
        for index, job in enumerate(self.running):
            if config.items() <= job.items():  # A check may have dropped hyperparameters that do not count.
                del self.running[index]
                if self.rung + 1 < len(self.rungs) and not is_over(job, error, info):
                    self.results.append((error, dict(config)))
                return True
        return False

    @property
    def finished(self) -> bool:
        return not (self.to_draw or self.queue or self.running or self.results)

    def _draw(self) -> Config | None:
        if not self.to_draw:
            return None
        config = self.searcher.sample_configuration()
        self.to_draw = 0 if config is None else self.to_draw - 1
        return config

    def _promote(self) -> None:
        self.rung += 1
        ranked = sorted(self.results, key=lambda result: result[0])
        self.queue.extend(config for _, config in ranked[: self.rungs[self.rung][0]])
        self.results = []


class Hyperband:
    """Successive halving in brackets, from many short trainings (s = s_max) to few full ones (s = 0).

    With R = 81 and eta = 3 the brackets begin with 81, 34, 15, 8 and 5 configurations, as algorithm 1
    has it. The paper's table 1 prints 81, 27, 9, 6 and 5, as the authors' first code rounded
    (s_max + 1) / (s + 1) down before it multiplied; HpBandSter, DEHB and NePS follow the table.

    Differs from the paper: brackets repeat until the budget ends; a free worker that would wait for the
    rest of a rung begins the next bracket instead, as HpBandSter does, and earlier brackets go first; a
    configuration is drawn when it starts, so that a model knows all results by then; rungs are whole
    epochs; one whose training crashed or diverged (as far as `info` says so) is not promoted, and its
    bracket goes on smaller; ties keep the one whose result came earlier.

    Args:
        searcher: proposes the configurations of the lowest rungs, and is told every result.
        max_epochs: the top rung, unless `r_max` says otherwise.
        eta: keep one in eta, >= 2.
        r_min: the least epochs worth a look, the paper's unit of resource.
        r_max: R, epochs of the top rung.
        brackets: how many of the s_max + 1 brackets to use, from s_max down; None for all. Their sizes
            stay the same; one bracket is successive halving.

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        max_epochs: int,
        eta: int = 3,
        r_min: int = 1,
        r_max: int | None = None,
        brackets: int | None = None,
    ) -> None:
        top = check_rungs(max_epochs, eta, r_min, r_max)
        shapes = brackets_of(r_min, top, eta)
        used = len(shapes) if brackets is None else brackets
        require_int("brackets", used, 1, len(shapes))
        self.searcher = searcher
        self.shapes = shapes[:used]
        self.rung_epochs = [epochs for shape in self.shapes for _, epochs in shape]
        self.begun = 0
        self.open: list[Bracket] = []

    def suggest(self) -> Config | None:
        for bracket in self.open:
            config = bracket.suggest()
            if config is not None:
                return config
        fresh = Bracket(self.searcher, self.shapes[self.begun % len(self.shapes)])
        config = fresh.suggest()
        if config is not None:
            self.open.append(fresh)
            self.begun += 1
        return config

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(config, error, additional_info=info)
        if not any(bracket.record(config, error, info) for bracket in self.open):
            raise ValueError(f"config = {config!r}: need a configuration that was suggested and not yet told")
        self.open = [bracket for bracket in self.open if not bracket.finished]
