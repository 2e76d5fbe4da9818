"""Shows a suite's progress: a live bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmark.driver.time_left.estimate import TimeLeft
from benchmark.result_folder.outcomes import Outcomes
from benchmark.storage.progress_file import format_range
from benchmark.suite.model import Run, Suite
from benchmark.tuning.run_report import RunReport
from objectives.metric import Metric

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_ESTIMATES = 2.0
ERROR = Metric("error")
"""What is taken for the metric of an objective that has not told its own yet."""


class Quiet:
    """Shows nothing; keeps the counts from which the others draw."""

    outcomes = Outcomes()  # The runner puts its own in the place of none.
    time_left: TimeLeft | None = None  # Likewise.
    _estimate: tuple[float, float] | None = None

    def start(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None:
        self.folder, self.total, self.finished = folder, len(done) + len(pending), len(done)
        self._estimated, self._estimate = -math.inf, None
        self.best: dict[tuple[str, str], float] = {}
        self.front_sizes: dict[tuple[str, str], int] = {}
        self.metrics: dict[str, Metric] = {}
        self.count: Counter[tuple[str, str]] = Counter(cell_of(run) for run in done)

    def run_started(self, run: Run) -> None:
        """Note that a run was given to a worker."""

    def run_ended(self, report: RunReport) -> None:
        self.finished += 1
        cell = cell_of(report.run)
        self.count[cell] += report.state == "done"
        self.best[cell] = min(self.best.get(cell, math.inf), report.best_error)
        if report.front_size is not None:
            self.front_sizes[cell] = max(self.front_sizes.get(cell, 0), report.front_size)
        if report.metric is not None:
            self.metrics[report.run.objective.label] = report.metric

    def say(self, message: str) -> None:
        """Print a message to the user."""

    def close(self) -> None:
        """Give the terminal back."""

    def best_text(self, objective: str, error: float, front_size: int | None = None) -> str:
        """Write what is best of an objective: `error 0.0312`, `accuracy 93.5 %`, or `12 non-dominated trials`.

        Args:
            objective: its label.
            error: the least one of feasible trials; inf where there is none.
            front_size: feasible trials that no other dominates, where several metrics are optimised.
        """
        if front_size is not None:
            return f"{front_size} non-dominated trials"
        metric = self.metrics.get(objective, ERROR)
        if math.isinf(error):
            return f"{metric.name} -"
        return f"{metric.name} {metric.from_error(error):.4g} {metric.unit}".rstrip()

    def failures_text(self) -> str:
        """Count the evaluations that failed; empty where none did."""
        failed = self.outcomes.failed
        return f", {failed} of {self.outcomes.evaluations.total()} evaluations failed" if failed else ""

    def work_share(self) -> float:
        """Return the share of the charged work that is done; of the runs where nothing is known of their work."""
        if self.time_left is None:
            return self.finished / self.total if self.total else 0.0
        return self.time_left.work().share

    def work_text(self) -> str:
        """Write the share of the work that is done: `12 % done`."""
        return f"{math.floor(100 * self.work_share())} % done"

    def left_text(self) -> str:
        """Write how long it still takes, as a range: `4 to 6 min left`."""
        if self.finished == self.total:
            return "0 s left"
        now = time.monotonic()
        if self.time_left is not None and now - self._estimated >= SECONDS_BETWEEN_ESTIMATES:
            self._estimated, self._estimate = now, self.time_left.seconds(now)
        return "time left not known yet" if self._estimate is None else f"{format_range(*self._estimate)} left"


class PlainLines(Quiet):
    """Prints a line every few seconds, and one for whatever goes wrong."""

    def start(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None:
        super().start(suite, folder, done, pending)
        self.last = 0.0
        print(f"suite {suite.name}: {self.total} runs, {len(done)} done, {len(pending)} to do -> {folder}", flush=True)

    def run_ended(self, report: RunReport) -> None:
        super().run_ended(report)
        if report.problem is not None:
            self.say(f"{report.run.path}: {report.state}: {report.problem.strip().splitlines()[-1]}")
        if time.monotonic() - self.last < SECONDS_BETWEEN_LINES and self.finished < self.total:
            return
        self.last = time.monotonic()
        best = "best " if report.front_size is None else ""
        print(
            f"[{self.finished}/{self.total}] {self.work_text()}, {self.left_text()}  {'/'.join(cell_of(report.run))} "
            f"{report.run.repetition:03d}: {best}"
            f"{self.best_text(report.run.objective.label, report.best_error, report.front_size)}{self.failures_text()}",
            flush=True,
        )

    def say(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)


class LiveBar(Quiet):
    """Draws a bar of the work done with the time left, and under it the best error of every cell."""

    def start(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None:
        from rich.live import Live

        super().start(suite, folder, done, pending)
        self.suite = suite
        self.live = Live(get_renderable=self._draw, refresh_per_second=2)
        self.live.start()

    def say(self, message: str) -> None:
        self.live.console.print(message, markup=False, highlight=False)

    def run_ended(self, report: RunReport) -> None:
        super().run_ended(report)
        if report.problem is not None:
            self.say(f"{report.run.path}: {report.state}: {report.problem.strip().splitlines()[-1]}")

    def close(self) -> None:
        if hasattr(self, "live"):
            self.live.stop()

    def _draw(self) -> Any:
        from rich import box
        from rich.console import Group
        from rich.markup import escape
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            self.suite.name,
            ProgressBar(total=1.0, completed=self.work_share(), width=40),
            f"{self.work_text()}, {self.finished}/{self.total} runs{self.failures_text()}",
            self.left_text(),
        )
        errors = all(metric.name == ERROR.name for metric in self.metrics.values())
        table = Table(
            "best error (runs)" if errors else "best (runs)",
            *[entry.label for entry in self.suite.algorithms],
            box=box.SIMPLE,
        )
        for objective in self.suite.objectives:
            cells = [(objective.label, algorithm.label) for algorithm in self.suite.algorithms]
            table.add_row(objective.label, *[escape(self._cell(cell)) for cell in cells])
        return Group(bar, table)

    def _cell(self, cell: tuple[str, str]) -> str:
        best = self.best.get(cell, math.inf)
        size = self.front_sizes.get(cell)
        text = self.best_text(cell[0], best, size) if math.isfinite(best) or size is not None else "-"
        return f"{text.removeprefix(f'{ERROR.name} ')} ({self.count[cell]})"


def choose_listener(*, quiet: bool) -> Quiet:
    """Choose the bar on a terminal that has rich, lines elsewhere, nothing when quiet."""
    if quiet:
        return Quiet()
    if not sys.stdout.isatty():
        return PlainLines()
    try:
        import rich  # noqa: F401 (tests whether it is installed)
    except ImportError:
        return PlainLines()
    return LiveBar()


def cell_of(run: Run) -> tuple[str, str]:
    return run.objective.label, run.algorithm.label
