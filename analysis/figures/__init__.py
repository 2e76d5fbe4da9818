"""All figures of a suite, as files by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from matplotlib.figure import Figure

from analysis.figures.anytime import anytime
from analysis.figures.scatter import landscape, learning_rate
from analysis.figures.theme import render, theme
from analysis.refusal import BadInput, nearest
from analysis.study import Study


def draw(study: Study, *, only: str | None = None) -> dict[str, bytes]:
    """Every figure of a suite in every format; the same bytes from the same ledgers.

    Args:
        study: results and tables.
        only: the name of a single figure.

    Raises:
        BadInput: no figure of that name.
    """
    makers = dict(_figures(study))
    if only is not None and only not in makers:
        raise BadInput(f"--only {only!r}: no such figure, there are {', '.join(makers)}{nearest(only, makers)}")
    with theme():
        made = {name: maker() for name, maker in makers.items() if only in (None, name)}
        return {
            f"{name}.{kind}": data
            for name, figure in made.items()
            if figure is not None
            for kind, data in render(figure).items()
        }


def _figures(study: Study) -> Iterator[tuple[str, Callable[[], Figure | None]]]:
    """Names and makers of all figures; a maker gives None where there is nothing of the kind."""
    results, tables = study.results, study.tables
    for objective in results.plan.objectives:
        label = objective.label
        yield f"anytime-{label}", partial(anytime, results, tables["trajectory"], label, "runtime")
        yield f"trials-{label}", partial(anytime, results, tables["trajectory"], label, "trials")
        if objective.learning_rate is not None:
            yield f"learning_rate-{label}", partial(learning_rate, results, objective)
        yield f"landscape-{label}", partial(landscape, results, objective)
