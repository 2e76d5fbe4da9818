"""Shows how far the processes are that execute a suite, again and again; reads nothing but the files they write."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmark.storage.progress_file import Progress, format_range, read_progress
from benchmark.suite.model import Suite
from benchmark.tuning.run_report import is_done

SECONDS_BETWEEN_LOOKS = 2.0
SECONDS_BETWEEN_LINES = 10.0
BAR = 40
"""Characters of the bar."""


def describe_progress(progress: Progress) -> Iterator[str]:
    """Describe how far a process is, in a line, and a line for each run that is stalled."""
    runs, eta = progress.runs, progress.eta_seconds
    left = "time left not known yet" if eta is None else f"{format_range(*eta)} left"
    failed = f", {runs.failed} failed" if runs.failed else ""
    counts = f"{runs.done} of {runs.total} runs done, {runs.running} in progress{failed}"
    yield f"{int(100 * progress.work.share)} % of the work done, {left}; {counts}"
    for run, seconds in progress.stalled:
        yield f"stalled: {run} has recorded nothing for {format_range(seconds, seconds)}"


def watch(
    suite: Suite, folder: Path, command: str, show: Callable[[list[str]], None], seconds: float = SECONDS_BETWEEN_LOOKS
) -> None:
    """Show the progress until every run is done or has failed; waits for a process to begin, and to begin again.

    Args:
        suite: the comparison.
        folder: its results.
        command: the one that goes on with it.
        show: shows these lines in the place of the last ones.
        seconds: between two looks.
    """
    total, seen = sum(1 for _ in suite.runs()), None
    while True:
        files = read_progress(folder)
        running = [progress for progress in files if progress.is_running(time.time())]
        if running:
            show([line for progress in running for line in _describe(progress)])
        elif files != seen:  # Runs are counted where something may have changed since.
            done = sum(is_done(run, folder) for run in suite.runs())
            if done + sum(progress.runs.failed for progress in files) >= total:
                return
            show([f"{done} of {total} runs done, none in progress; to go on: {command}"])
        seen = None if running else files
        time.sleep(seconds)


def _describe(progress: Progress) -> list[str]:
    full = int(BAR * progress.work.share)
    return [f"[{'#' * full}{'.' * (BAR - full)}]", *describe_progress(progress)]


@contextmanager
def shown_lines() -> Iterator[tuple[Callable[[list[str]], None], float]]:
    """Yield what shows lines, in place of the last ones on a terminal, and how many seconds are between two looks."""
    if not sys.stdout.isatty() or find_spec("rich") is None:
        yield _print_changed(), SECONDS_BETWEEN_LINES
        return
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False) as live:
        yield lambda lines: live.update(Text("\n".join(lines)), refresh=True), SECONDS_BETWEEN_LOOKS


def _print_changed() -> Callable[[list[str]], None]:
    """Return what prints lines that differ from the last ones, without bars."""
    last: list[str] = []

    def show(lines: list[str]) -> None:
        nonlocal last
        lines = [line for line in lines if not line.startswith("[")]
        if lines != last:
            print("\n".join(lines), flush=True)
        last = lines

    return show
