"""How a suite's progress is shown: a live bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmark.storage.ledger_format import partial_path
from benchmark.suite.model import Run, Suite
from benchmark.tuning.run_report import RunReport

SECONDS_BETWEEN_LINES = 5.0


class Quiet:
    """Says nothing; what others build on."""

    def begin(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None:
        self.folder, self.total, self.finished = folder, len(done) + len(pending), len(done)
        self.began = time.monotonic()
        self.here = 0
        self.in_flight: dict[Path, Run] = {}
        self.best: dict[tuple[str, str], float] = {}
        self.count: Counter[tuple[str, str]] = Counter(cell_of(run) for run in done)
        limits = (suite.budget.trials, suite.budget.evaluations)
        self.evaluations_a_run = min((limit for limit in limits if limit is not None), default=None)

    def dispatched(self, run: Run) -> None:
        self.in_flight[run.path] = run

    def reported(self, report: RunReport) -> None:
        self.in_flight.pop(report.run.path, None)
        self.finished += 1
        self.here += 1
        cell = cell_of(report.run)
        self.count[cell] += report.state == "done"
        self.best[cell] = min(self.best.get(cell, math.inf), report.best_error)

    def say(self, message: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing to put away."""

    def fraction_in_flight(self) -> float:
        """Runs' worth of evaluations that unfinished runs have on disk."""
        if self.evaluations_a_run is None:
            return 0.0
        lines = sum(max(0, _lines(partial_path(self.folder / path)) - 1) for path in list(self.in_flight))
        return min(lines / self.evaluations_a_run, float(len(self.in_flight)))

    def seconds_left(self) -> float | None:
        """Extrapolated from this command's own pace, or None before there is one."""
        worth = self.here + self.fraction_in_flight()
        if worth == 0:
            return None
        return (time.monotonic() - self.began) / worth * (self.total - self.finished - self.fraction_in_flight())


class PlainLines(Quiet):
    """A line every few seconds, and one for whatever goes wrong."""

    def begin(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None:
        super().begin(suite, folder, done, pending)
        self.last = 0.0
        print(f"suite {suite.name}: {self.total} runs, {len(done)} done, {len(pending)} to do -> {folder}", flush=True)

    def reported(self, report: RunReport) -> None:
        super().reported(report)
        if report.problem is not None:
            self.say(f"{report.run.path}: {report.state}: {report.problem.strip().splitlines()[-1]}")
        if time.monotonic() - self.last < SECONDS_BETWEEN_LINES and self.finished < self.total:
            return
        self.last = time.monotonic()
        left = self.seconds_left()
        print(
            f"[{self.finished}/{self.total}] {duration(left)} left  {'/'.join(cell_of(report.run))} "
            f"{report.run.repetition:03d}: best error {report.best_error:.4g}",
            flush=True,
        )

    def say(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)


class LiveBar(Quiet):
    """A bar with the time left, and under it the best error of every cell."""

    def begin(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None:
        from rich.live import Live

        super().begin(suite, folder, done, pending)
        self.suite = suite
        self.live = Live(get_renderable=self._draw, refresh_per_second=2)
        self.live.start()

    def say(self, message: str) -> None:
        self.live.console.print(message, markup=False, highlight=False)

    def reported(self, report: RunReport) -> None:
        super().reported(report)
        if report.problem is not None:
            self.say(f"{report.run.path}: {report.state}: {report.problem.strip().splitlines()[-1]}")

    def close(self) -> None:
        if hasattr(self, "live"):
            self.live.stop()

    def _draw(self) -> Any:
        from rich import box
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        bar = Table.grid(padding=(0, 1))
        done = self.finished + self.fraction_in_flight()
        bar.add_row(
            self.suite.name,
            ProgressBar(total=max(self.total, 1), completed=done, width=40),
            f"{self.finished}/{self.total} runs",
            f"{duration(self.seconds_left() if self.finished < self.total else 0.0)} left",
        )
        table = Table("best error (runs)", *[entry.label for entry in self.suite.algorithms], box=box.SIMPLE)
        for objective in self.suite.objectives:
            cells = [(objective.label, algorithm.label) for algorithm in self.suite.algorithms]
            table.add_row(objective.label, *[self._cell(cell) for cell in cells])
        return Group(bar, table)

    def _cell(self, cell: tuple[str, str]) -> str:
        best = self.best.get(cell, math.inf)
        error = f"{best:.4g}" if math.isfinite(best) else "-"
        return f"{error} ({self.count[cell]})"


def listener_for(*, quiet: bool) -> Quiet:
    """The bar on a terminal that has rich, lines elsewhere, nothing when quiet."""
    if quiet:
        return Quiet()
    if not sys.stdout.isatty():
        return PlainLines()
    try:
        import rich  # noqa: F401 (only whether it is there)
    except ImportError:
        return PlainLines()
    return LiveBar()


def cell_of(run: Run) -> tuple[str, str]:
    return run.objective.label, run.algorithm.label


def duration(seconds: float | None) -> str:
    """Seconds as `1 h 05 min`, `3 min 20 s` or `8 s`."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _lines(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except OSError:
        return 0
