"""Renders figures in several processes while further ones are made; the bytes do not depend on how many there are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from functools import partial

import joblib
from joblib.externals.loky import get_reusable_executor
from matplotlib.figure import Figure

from analysis.figure_output import FigureOutput
from analysis.figures.rendering import render
from analysis.figures.theme import theme

FEW = 30
"""Up to so many figures are rendered in this process: others take seconds to start."""
AHEAD = 3
"""Figures that are made ahead for each process, which bounds the memory that they take."""
MOST_PROCESSES = 16

Files = dict[str, bytes]
Begin = Callable[[Figure], Callable[[], Files]]
"""Begins to render a figure; what it returns waits for the bytes by format."""


def processes(count: int, jobs: int | None) -> int:
    """How many processes render so many figures; `jobs` is what was asked for, None for one a core."""
    wanted = min(int(joblib.cpu_count()), MOST_PROCESSES) if jobs is None else jobs
    return wanted if count > FEW else 1


@contextmanager
def renderer(output: FigureOutput, jobs: int) -> Iterator[Begin]:
    """Within it figures are rendered by so many processes; by this one alone where it is one."""
    if jobs == 1:
        yield lambda figure: partial(render, figure, output.formats, output.page)
        return
    executor = get_reusable_executor(max_workers=jobs)
    try:
        yield lambda figure: _begin(executor.submit(_render, figure, output).result, figure, output)
    except BaseException:
        executor.shutdown(wait=False, kill_workers=True)
        raise
    executor.shutdown(wait=True)


def in_order(
    makers: Iterable[tuple[str, Callable[[], Figure | None]]], begin: Begin, jobs: int
) -> Iterator[tuple[str, Figure | None, Callable[[], Files]]]:
    """Make figures, some ahead of those that are waited for.

    Yields:
        Names in their order, with the figure, if there is one, and what waits for its files; that raises what was
        raised while the figure was made or rendered.
    """
    waiting: deque[tuple[str, Figure | None, Callable[[], Files]]] = deque()
    for name, maker in makers:
        waiting.append((name, *_make(maker, begin)))
        if len(waiting) > (AHEAD * jobs if jobs > 1 else 0):
            yield waiting.popleft()
    yield from waiting


def _make(maker: Callable[[], Figure | None], begin: Begin) -> tuple[Figure | None, Callable[[], Files]]:
    try:
        figure = maker()
        return figure, dict if figure is None else begin(figure)
    except (Exception, SystemExit) as error:
        return None, partial(_fail, error)


def _fail(error: BaseException) -> Files:
    raise error


def _begin(result: Callable[[], Files], figure: Figure, output: FigureOutput) -> Callable[[], Files]:
    """Wait for another process; where it has died, as for want of memory, this one renders the figure."""

    def finish() -> Files:
        try:
            return result()
        except BrokenExecutor:
            return render(figure, output.formats, output.page)

    return finish


def _render(figure: Figure, output: FigureOutput) -> Files:
    """Render in another process, whose settings are matplotlib's own."""
    with theme(output.page):
        return render(figure, output.formats, output.page)
