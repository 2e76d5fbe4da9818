"""All figures of a suite, as files by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial

from matplotlib.figure import Figure

from analysis.figure_output import CAPTION, FigureOutput
from analysis.figures.anytime import anytime
from analysis.figures.captions import CaptionMaker, caption_maker
from analysis.figures.coordinates import coordinates
from analysis.figures.critical import critical
from analysis.figures.curves import curves
from analysis.figures.difference import difference
from analysis.figures.drawing import Files, in_order, processes, renderer
from analysis.figures.front import front
from analysis.figures.gap import gap
from analysis.figures.importance import importance
from analysis.figures.many_tasks import many_tasks_makers
from analysis.figures.overhead import overhead
from analysis.figures.overview import overview
from analysis.figures.recheck import recheck
from analysis.figures.scatter import landscape, learning_rate
from analysis.figures.scores import scores
from analysis.figures.seed_optimism import seed_optimism
from analysis.figures.targets import targets
from analysis.figures.theme import SuiteFigure, theme
from analysis.figures.timeline import timeline
from analysis.figures.violation import violation
from analysis.study import Study
from analysis.tables.front import multi_objective
from analysis.tables.overhead import overhead_table
from benchmark.errors import BadInput, nearest_match

FROM_TABLES = {
    "difference": difference,
    "targets": targets,
    "scores": scores,
    "importance": importance,
    "curves": curves,
    "timeline": timeline,
    "recheck": recheck,
}
"""Figures of an objective that are drawn from tables."""

DEFAULT = FigureOutput()

OF_HYPERVOLUMES = ("difference", "targets", "scores")
"""Those of them that are drawn of hypervolumes too."""


def draw(
    study: Study,
    *,
    only: str | None = None,
    skip: Collection[str] = (),
    output: FigureOutput = DEFAULT,
    jobs: int | None = None,
) -> dict[str, bytes]:
    """Every figure of a suite in every format asked for, with its caption; the same bytes from the same ledgers.

    A figure that cannot be drawn is left out and named in `study.not_drawn`.

    Args:
        study: results and tables.
        only: the name of a single figure.
        skip: names of figures to leave out, or of their kinds: `importance` for that of every objective.
        output: formats and size.
        jobs: processes that render, where there are many figures; None for one a core.

    Raises:
        BadInput: no figure of that name.
    """
    known = dict(makers(study))
    if only is not None and only not in known:
        raise BadInput(f"--only {only!r}: no such figure, there are {', '.join(known)}{nearest_match(only, known)}")
    chosen = {
        name: maker
        for name, maker in known.items()
        if only in (None, name) and not {name, kind_and_objective(study, name)[0]} & set(skip)
    }
    drawn: dict[str, bytes] = {}
    caption, jobs = caption_maker(study), processes(len(chosen), jobs)
    with theme(output.page), renderer(output, jobs) as begin:
        for name, figure, finish in in_order(chosen.items(), begin, jobs):
            make = partial(_files, study, name, figure, finish, caption)
            drawn |= study.not_drawn.attempt(f"figures/{name}", make) or {}
    return drawn


def kind_and_objective(study: Study, name: str) -> tuple[str, str]:
    """What a figure is called on every objective, and the label of its own; an empty one for the whole suite's."""
    keys = [objective.key for objective in study.results.plan.objectives if name.endswith(f"-{objective.key}")]
    key = max(keys, key=len, default="")
    return (name.removesuffix(f"-{key}"), key) if key else (name, "")


def _files(
    study: Study, name: str, figure: Figure | None, finish: Callable[[], Files], caption: CaptionMaker
) -> dict[str, bytes]:
    """A figure's files by name; none where there is nothing of the kind."""
    files = {f"{name}.{kind}": data for kind, data in finish().items()}
    if isinstance(figure, SuiteFigure):
        files[f"{name}.{CAPTION}"] = caption(*kind_and_objective(study, name), figure).encode()
    return files


def makers(study: Study) -> Iterator[tuple[str, Callable[[], Figure | None]]]:
    """Names and makers of all figures; a maker gives None where there is nothing of the kind."""
    results, tables = study.results, study.tables
    for objective in results.plan.objectives:
        label, key = objective.label, objective.key
        yield f"anytime-{key}", partial(_anytime, study, label, "runtime")
        yield f"trials-{key}", partial(_anytime, study, label, "trials")
        if objective.learning_rate is not None:
            yield f"learning_rate-{key}", partial(learning_rate, results, objective)
        yield f"landscape-{key}", partial(landscape, results, objective)
        yield f"parallel-{key}", partial(coordinates, results, objective)
        for name, maker in FROM_TABLES.items():
            yield f"{name}-{key}", partial(maker, results, tables, label)
        yield f"gap-{key}", partial(gap, results, label)
        if objective.origin is not None and "seed_optimism" in tables:
            yield f"seed_optimism-{key}", partial(seed_optimism, results, tables, label)
        yield f"overhead-{key}", partial(_overhead, study, label)
        if objective.constraints:
            yield f"violation-{key}", partial(violation, results, tables, label)
    yield "overview", partial(_overview, study)
    yield from many_tasks_makers(results.plan, tables)
    yield "critical", partial(critical, results)
    if multi_objective(results):
        yield from _of_fronts(study, study.hypervolume)


def _of_fronts(study: Study, hypervolume: Study) -> Iterator[tuple[str, Callable[[], Figure | None]]]:
    """The figures of objectives of several metrics: their fronts, and what is drawn of errors, of hypervolumes."""
    results, tables = hypervolume.results, hypervolume.tables
    for objective in results.plan.objectives:
        label, key = objective.label, objective.key
        yield f"front-{key}", partial(front, study, label)
        yield f"hypervolume-{key}", partial(_anytime, hypervolume, label, "runtime")
        yield f"hypervolume_trials-{key}", partial(_anytime, hypervolume, label, "trials")
        for name in OF_HYPERVOLUMES:
            yield f"hypervolume_{name}-{key}", partial(FROM_TABLES[name], results, tables, label)
    yield "hypervolume_overview", partial(_overview, hypervolume)
    yield "hypervolume_critical", partial(critical, results)


def _anytime(study: Study, objective: str, axis: str) -> Figure:
    return anytime(study.results, study.tables["trajectory"], objective, axis)


def _overhead(study: Study, objective: str) -> Figure:
    return overhead(study.results, overhead_table(study.results), objective)


def _overview(study: Study) -> Figure | None:
    return overview(study.results, study.tables["trajectory"])
