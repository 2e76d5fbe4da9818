"""Sections of the report on hypervolumes: those on errors, of the quality of a front in the place of an incumbent's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from analysis.report.comparisons import pairwise_section, ranks_section, scores_section, statistics_section
from analysis.report.differences import differences_section, targets_section
from analysis.report.section import Section
from analysis.report.trajectories import trajectories_section
from analysis.study import Study

PREFIX = "hypervolume_"
"""What the names of sections, tables and figures of hypervolumes begin with."""
OF_ERRORS: Mapping[str, Callable[[Study], Section]] = {
    "trajectories": trajectories_section,
    "pairwise": pairwise_section,
    "differences": differences_section,
    "targets": targets_section,
    "scores": scores_section,
    "ranks": ranks_section,
    "statistics": statistics_section,
}
"""Sections that are made of hypervolumes too."""
TITLES = {"trajectories": "Hypervolume over time", "statistics": "Final hypervolumes with intervals"}
"""Titles that are not made of the section's on errors."""
LEADS = {
    "statistics": (
        "Over repetitions, intervals at 95 %. IQM: mean of the middle half. The test hypervolume is that of the "
        "configurations on the validation front; the validation hypervolume is too good by that selection."
    ),
}
"""How to read those that are not read like the section on errors."""


def hypervolume_section(name: str, study: Study) -> Section:
    """Make one of the sections `OF_ERRORS` of hypervolumes.

    Args:
        name: of the section on errors.
        study: that of the hypervolumes.
    """
    made = OF_ERRORS[name](study)
    return replace(
        made,
        name=PREFIX + made.name,
        title=TITLES.get(name, f"Hypervolume: {made.title[0].lower()}{made.title[1:]}"),
        lead=LEADS.get(name, made.lead),
        charts=tuple(replace(chart, figure=figure_name(chart.figure)) for chart in made.charts),
        tables=tuple(PREFIX + table for table in made.tables),
    )


def figure_name(of_errors: str) -> str:
    """Name the figure of hypervolumes that a figure of errors corresponds to."""
    kind, _, key = of_errors.partition("-")
    return f"hypervolume-{key}" if kind == "anytime" else f"{PREFIX}{of_errors}"
