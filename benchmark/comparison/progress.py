"""Shows the progress of a comparison in a notebook: one output that is replaced in place."""

from __future__ import annotations

import contextvars
import html
import math
import sys
import threading
from pathlib import Path

from benchmark.driver.progress import Quiet, choose_listener
from benchmark.notebook import NotebookOutput, in_notebook
from benchmark.suite.model import Run, Suite
from benchmark.tuning.run_report import RunReport

SECONDS_BETWEEN_DRAWINGS = 1.0


def choose_progress(*, quiet: bool) -> Quiet:
    """Choose what fits: a table in a notebook, else what the command line shows."""
    return NotebookProgress() if in_notebook() and not quiet else choose_listener(quiet=quiet)


class NotebookProgress(Quiet):
    """A bar and a table of the best values, drawn anew every second."""

    def start(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None:
        super().start(suite, folder, done, pending)
        self.suite = suite
        self._output = NotebookOutput()
        self._output.show(self)
        self._stop = threading.Event()
        context = contextvars.copy_context()  # By it the notebook knows which cell is running.
        self._thread = threading.Thread(target=context.run, args=(self._draw_again,), daemon=True)
        self._thread.start()

    def say(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)

    def run_ended(self, report: RunReport) -> None:
        super().run_ended(report)
        if report.problem is not None:
            self.say(f"{report.run.path}: {report.state}: {report.problem.strip().splitlines()[-1]}")

    def close(self) -> None:
        if hasattr(self, "_thread"):
            self._stop.set()
            self._thread.join()
            self._output.show(self)

    def _draw_again(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_DRAWINGS):
            self._output.show(self)

    def __repr__(self) -> str:
        runs = f"{self.finished}/{self.total} runs{self.failures_text()}"
        return f"{self.suite.name}: {self.work_text()}, {runs}, {self.left_text()}"

    def _repr_html_(self) -> str:
        rows = [
            f"<tr><td>{html.escape(entry.display_name or entry.label)}</td>"
            f"<td>{html.escape(self._best(objective.label, entry.label))}</td>"
            f"<td>{self.count[objective.label, entry.label]}</td></tr>"
            for objective in self.suite.objectives
            for entry in self.suite.algorithms
        ]
        head = "<tr><th>algorithm</th><th>best</th><th>runs done</th></tr>"
        bar = f'<progress max="1" value="{self.work_share():.3f}"></progress>'
        return f"<div>{bar} {html.escape(repr(self))}</div><table>{head}{''.join(rows)}</table>"

    def _best(self, objective: str, algorithm: str) -> str:
        best = self.best.get((objective, algorithm), math.inf)
        return self.best_text(objective, best) if math.isfinite(best) else "-"
