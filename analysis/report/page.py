"""The report of a suite: one page that opens from disk, and the files beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from analysis.algorithm_styles import MARKERS, algorithm_styles
from analysis.imported import UNKNOWN, count_planned
from analysis.loading.metric import KINDS, Metric
from analysis.not_drawn import NeedNotDrawn
from analysis.report.advice import advice_section
from analysis.report.comparisons import pairwise_section, ranks_section, scores_section, statistics_section
from analysis.report.costs import costs_section, curves_section, importance_section, timeline_section
from analysis.report.differences import differences_section, targets_section
from analysis.report.encoding import as_script, count_text, joined_scripts
from analysis.report.failures import failures_section
from analysis.report.feasibility import feasibility_section
from analysis.report.findings import findings
from analysis.report.front import front_section
from analysis.report.hypervolume import OF_ERRORS, PREFIX, hypervolume_section
from analysis.report.index import CARD, card
from analysis.report.machine import machine_section, suite_section
from analysis.report.many_tasks import many_tasks_section
from analysis.report.metrics import metrics_section
from analysis.report.recheck import recheck_section
from analysis.report.search import parallel_section, points, search_section
from analysis.report.section import Section
from analysis.report.templating import STATIC, template
from analysis.report.trajectories import trajectories_section
from analysis.study import Study
from analysis.tables.differences import ALL_PAIRS
from analysis.tables.feasibility import constrained
from analysis.tables.front import multi_objective

SECTIONS: Mapping[str, Callable[[Study], Section]] = {
    "trajectories": trajectories_section,
    "pairwise": pairwise_section,
    "differences": differences_section,
    "targets": targets_section,
    "scores": scores_section,
    "ranks": ranks_section,
    "statistics": statistics_section,
    "metrics": metrics_section,
    "recheck": recheck_section,
    "curves": curves_section,
    "search": search_section,
    "parallel": parallel_section,
    "importance": importance_section,
    "costs": costs_section,
    "timeline": timeline_section,
    "failures": failures_section,
    "machine": machine_section,
    "suite": suite_section,
}
"""The sections of every page by name, in order."""

OF_MANY_TASKS = {"many_tasks": many_tasks_section, "advice": advice_section}
"""Those of suites that have tables of many tasks, before the others."""

OF_POINTS = ("search", "parallel")
"""Sections whose charts are drawn from `points`."""

SCRIPTS = (
    *("state", "theme", "trajectories", "fronts", "comparisons", "search", "costs", "many_tasks", "table_sorting"),
    "report",
)
"""Parts of report.js, in order; one file, for modules do not load from disk."""

SYMBOLS = {
    "circle": "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1 -4 0Z",
    "square": "M-3.5 -3.5H3.5V3.5H-3.5Z",
    "triangle-up": "M0 -4.6L4.6 3.6H-4.6Z",
    "diamond": "M0 -5L5 0L0 5L-5 0Z",
    "triangle-down": "M0 4.6L4.6 -3.6H-4.6Z",
    "cross": "M-1.6 -4.6H1.6V-1.6H4.6V1.6H1.6V4.6H-1.6V1.6H-4.6V-1.6H-1.6Z",
    "x": "M-4.6 -2.4L-2.4 -4.6L0 -2.2L2.4 -4.6L4.6 -2.4L2.2 0L4.6 2.4L2.4 4.6L0 2.2L-2.4 4.6L-4.6 2.4L-2.2 0Z",
    "triangle-left": "M-4.6 0L3.6 -4.6V4.6Z",
    "triangle-right": "M4.6 0L-3.6 -4.6V4.6Z",
    "hexagon": "M-4 -2.4L0 -4.8L4 -2.4V2.4L0 4.8L-4 2.4Z",
    "pentagon": "M0 -4.6L4.5 -1.3L2.8 4.2H-2.8L-4.5 -1.3Z",
}
"""Plotly's names of the markers of `analysis.figures.theme`, in its order, and their outlines for the legend."""

LONGEST_LEGEND = 20
"""Letters that the name of a metric may have over the controls."""
MOST_BANDS = 6
"""Algorithms up to which bands are drawn at first; more of them hide each other and the means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A section as it stands in the page.

    Attributes:
        data: what its charts are drawn from, as JSON that may stand in a script; None without charts.
    """

    name: str
    title: str
    html: str
    data: str | None


def sections_of(study: Study) -> Mapping[str, Callable[[Study], Section]]:
    """The sections of a suite's page by name, in order: those on fronts first, where there are several metrics."""
    plan = study.results.plan
    shown = {name: make for name, make in SECTIONS.items() if name != "metrics" or plan.declares_metrics}
    shown = {**(OF_MANY_TASKS if "mean_ranks" in study.tables else {}), **shown}
    shown = ({"feasibility": feasibility_section} if constrained(study.results) else {}) | shown
    if not multi_objective(study.results):
        return shown
    of_fronts = {PREFIX + name: partial(_of_fronts, name) for name in OF_ERRORS}
    return {"front": front_section, **of_fronts, **shown}


def _of_fronts(name: str, study: Study) -> Section:
    return hypervolume_section(name, study.hypervolume)


def page(study: Study, skip: Collection[str] = ()) -> dict[str, bytes]:
    """The files of the report by name; the same bytes from the same ledgers.

    What cannot be made of it says so on the page, and is named in `study.not_drawn`. Plotly lies beside the page, so
    that the folder may be copied or sent: 4.8 MB of the same bytes for each suite is what that costs.

    Args:
        study: results and tables.
        skip: names of sections to leave out.
    """
    from plotly.offline import get_plotlyjs

    files = study.not_drawn.attempt("report/index.html", partial(_page, study, skip))
    if files is None:
        return {}
    return {
        **files,
        "report.js": _script(),
        "report.css": (STATIC / "report.css").read_bytes(),
        "plotly.min.js": get_plotlyjs().encode(),
    }


def _page(study: Study, skip: Collection[str]) -> dict[str, bytes]:
    plan, attempt = study.results.plan, study.not_drawn.attempt
    study.made_tables(name for name in study.tables if name not in skip)  # So that the page names all that cannot be.
    drawn_points = attempt("report/points", lambda: as_script(points(study)))
    parts = [_part(study, name, make, skip) for name, make in sections_of(study).items()]
    facts = attempt("report/facts", partial(_facts, study)) or ""
    told = attempt("report/findings", partial(findings, study)) or []
    shown, start = _looks(study), _start(study)
    payload = {
        "algorithms": as_script(shown),
        "objectives": as_script([objective.label for objective in plan.objectives]),
        "clock": as_script(plan.clock),
        "unit": as_script("s" if plan.imported is None else plan.imported.unit),
        "metrics": as_script({objective.label: _names(objective.metric) for objective in plan.objectives}),
        "start": as_script(start),
        "control": as_script(plan.control),
        "points": drawn_points or "{}",
        "sections": joined_scripts({part.name: part.data for part in parts if part.data is not None}),
        **_of_hypervolumes(study),
    }
    html = template("report.html").render(
        plan=plan,
        facts=facts,
        findings=told,
        not_drawn=study.not_drawn.lines(),
        looks=shown,
        symbols=SYMBOLS,
        start=start,
        versus=plan.algorithms if 2 < len(plan.algorithms) <= ALL_PAIRS else [plan.control],
        sections=parts,
        metric=plan.metric_name if len(plan.metric_name) <= LONGEST_LEGEND else "metric",
        payload=joined_scripts(payload),
    )
    return {"index.html": html.encode(), CARD: card(plan.name, plan.title, facts, told)}


def _part(study: Study, name: str, make: Callable[[Study], Section], skip: Collection[str]) -> _Part:
    """A section, or one in its place that says why it is not there."""
    if name in skip:
        return _rendered(study, skip, _absent(name, f"left out by --skip {name}"))
    made = study.not_drawn.attempt(f"report/{name}", lambda: _rendered(study, skip, _section(study, name, make)))
    if made is not None:
        return made
    return _rendered(study, skip, _absent(name, f"not drawn: {study.not_drawn.reasons[f'report/{name}']}"))


def _section(study: Study, name: str, make: Callable[[Study], Section]) -> Section:
    if name in OF_POINTS and "report/points" in study.not_drawn.reasons:
        raise NeedNotDrawn(study.not_drawn.reasons["report/points"])
    return make(study)


def _absent(name: str, why: str) -> Section:
    return Section(name=name, title=name.capitalize(), lead="", absent=why)


def _rendered(study: Study, skip: Collection[str], section: Section) -> _Part:
    missing = {file.removeprefix("tables/").removesuffix(".csv") for file in study.not_drawn.reasons}
    html = template("section.html").render(
        plan=study.results.plan,
        section=section,
        figures=_figure_names(study),
        tables=[name for name in study.tables if name not in missing and name not in skip],
    )
    data = as_script(section.data) if section.charts else None
    return _Part(name=section.name, title=section.title, html=html, data=data)


def _script() -> bytes:
    parts = [(STATIC / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return ('"use strict";\n' + "\n".join(parts)).encode()


def _start(study: Study) -> dict[str, str]:
    """What is drawn at first: the primary endpoint's error over runtime."""
    plan = study.results.plan
    tested = any(study.results.has_test(objective.label) for objective in plan.objectives)
    return {
        "axis": "runtime",
        "error": "test" if plan.endpoint != "valid_error" and tested else "valid",
        "scale": "linear",
        "time": "linear",
        "band": "std" if len(plan.algorithms) <= MOST_BANDS and plan.repetitions > 1 else "none",
    }


def _looks(study: Study) -> list[dict[str, Any]]:
    """Every algorithm with its colour on light and dark ground, marker and dashes, as in the static figures."""
    algorithms = study.results.algorithm_by_label
    symbols = dict(zip(MARKERS, SYMBOLS, strict=True))
    return [
        {
            "label": label,
            "description": algorithms[label].description(),
            "colour": look.colour,
            "dark": look.on_dark,
            "symbol": symbols[look.marker],
            "dash": ",".join(f"{length:g}px" for length in look.dashes),
        }
        for label, look in algorithm_styles(study.results.plan.algorithms).items()
    ]


def _names(metric: Metric) -> dict[str, Any]:
    """What charts call the values of an objective, and which of them are better."""
    return {
        "name": metric.name,
        "unit": metric.unit,
        "higher": metric.maximised,
        "incumbent": {"valid": metric.label("valid"), "test": metric.label("test", f" of the {metric.selected}")},
        "label": {kind: metric.label(kind) for kind in KINDS},
        "title": {kind: metric.title(kind) for kind in KINDS},
    }


def _of_hypervolumes(study: Study) -> dict[str, str]:
    """What the values of the sections on hypervolumes are called; nothing where there are none."""
    if not multi_objective(study.results):
        return {}
    objectives = study.hypervolume.results.plan.objectives
    return {"hypervolumes": as_script({objective.label: _names(objective.metric) for objective in objectives})}


def _facts(study: Study) -> str:
    plan = study.results.plan
    done = sum(run.state == "done" for run in study.results.runs)
    planned = count_planned((run.state for run in study.results.runs), plan.imported)
    budget = ", ".join(f"{name} {limit:g}" for name, limit in plan.budget.items())
    return "; ".join(
        [
            f"{count_text(len(plan.objectives), 'objective')} x {count_text(len(plan.algorithms), 'algorithm')} "
            f"x {count_text(plan.repetitions, 'repetition')}: {done} of {planned} runs finished",
            f"budget of a run: {budget if plan.imported is None else UNKNOWN}",
            f"{plan.clock} runtime",
            f"primary endpoint: {plan.endpoint_text}",
        ]
    )


def _figure_names(study: Study) -> Mapping[str, Any]:
    from analysis.figures import makers

    return dict(makers(study))
