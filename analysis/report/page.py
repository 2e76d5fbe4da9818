"""The report of a suite: one page that opens from disk, and the files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.figures.theme import MARKERS, algorithm_styles
from analysis.report.comparisons import pairwise_section, ranks_section, scores_section, statistics_section
from analysis.report.costs import costs_section, curves_section, importance_section, timeline_section
from analysis.report.differences import differences_section, targets_section
from analysis.report.encoding import as_script, count_text
from analysis.report.failures import failures_section
from analysis.report.findings import findings
from analysis.report.index import CARD, card
from analysis.report.machine import machine_section, suite_section
from analysis.report.recheck import recheck_section
from analysis.report.search import parallel_section, points, search_section
from analysis.report.templating import STATIC, template
from analysis.report.trajectories import trajectories_section
from analysis.study import Study
from analysis.tables.differences import ALL_PAIRS

SECTIONS = (
    trajectories_section,
    pairwise_section,
    differences_section,
    targets_section,
    scores_section,
    ranks_section,
    statistics_section,
    recheck_section,
    curves_section,
    search_section,
    parallel_section,
    importance_section,
    costs_section,
    timeline_section,
    failures_section,
    machine_section,
    suite_section,
)
"""The sections of the page, in order."""

SCRIPTS = ("state", "theme", "trajectories", "comparisons", "search", "costs", "table_sorting", "report")
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

MOST_BANDS = 6
"""Algorithms up to which bands are drawn at first; more of them hide each other and the means."""


def page(study: Study) -> dict[str, bytes]:
    """The files of the report by name; the same bytes from the same ledgers.

    Plotly lies beside the page, so that the folder may be copied or sent: 4.8 MB of the same bytes for each
    suite is what that costs.
    """
    from plotly.offline import get_plotlyjs

    plan = study.results.plan
    sections = [make(study) for make in SECTIONS]
    shown = _looks(study)
    start = _start(study)
    payload = {
        "algorithms": shown,
        "objectives": [objective.label for objective in plan.objectives],
        "clock": plan.clock,
        "start": start,
        "control": plan.control,
        "points": points(study),
        "sections": {section.name: section.data for section in sections if section.charts},
    }
    facts, told = _facts(study), findings(study)
    html = template("report.html").render(
        plan=plan,
        facts=facts,
        findings=told,
        looks=shown,
        symbols=SYMBOLS,
        start=start,
        versus=plan.algorithms if 2 < len(plan.algorithms) <= ALL_PAIRS else [plan.control],
        sections=sections,
        figures=_figure_names(study),
        tables=list(study.tables),
        payload=as_script(payload),
    )
    return {
        "index.html": html.encode(),
        CARD: card(plan.name, plan.title, facts, told),
        "report.js": _script(),
        "report.css": (STATIC / "report.css").read_bytes(),
        "plotly.min.js": get_plotlyjs().encode(),
    }


def _script() -> bytes:
    parts = [(STATIC / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return ('"use strict";\n' + "\n".join(parts)).encode()


def _start(study: Study) -> dict[str, str]:
    """What is drawn at first: the primary endpoint's error over runtime."""
    plan = study.results.plan
    return {
        "axis": "runtime",
        "error": "valid" if plan.endpoint == "valid_error" else "test",
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
            "dark": _lighter(look.colour),
            "symbol": symbols[look.marker],
            "dash": ",".join(f"{length:g}px" for length in look.dashes),
        }
        for label, look in algorithm_styles(study.results.plan.algorithms).items()
    ]


def _lighter(colour: str) -> str:
    """A colour for a dark ground: two fifths of the way to white."""
    parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(part + 0.4 * (255 - part)):02x}" for part in parts)


def _facts(study: Study) -> str:
    plan = study.results.plan
    done = sum(run.state == "done" for run in study.results.runs)
    budget = ", ".join(f"{name} {limit:g}" for name, limit in plan.budget.items())
    return "; ".join(
        [
            f"{count_text(len(plan.objectives), 'objective')} x {count_text(len(plan.algorithms), 'algorithm')} "
            f"x {count_text(plan.repetitions, 'repetition')}: {done} of {len(study.results.runs)} runs finished",
            f"budget of a run: {budget}",
            f"{plan.clock} runtime",
            f"primary endpoint: {plan.endpoint.replace('_', ' ')}",
        ]
    )


def _figure_names(study: Study) -> Mapping[str, Any]:
    from analysis.figures import makers

    return dict(makers(study))
