"""What was tried: every hyperparameter against the error, and configurations as lines through all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.explanations import ahead, explain
from analysis.loading.plan import Objective
from analysis.loading.space import Hyperparameter
from analysis.report.encoding import compact
from analysis.report.section import Section, charts, groups
from analysis.study import Study

MOST_POINTS = 1200
"""Evaluations drawn of one objective; a phone draws so many without a pause."""


def search_section(study: Study) -> Section:
    """Error against each hyperparameter, one evaluation a point."""
    nothing = ahead(study.results, *(f"crosses on the {edge} edge gave no result" for edge in ("upper", "lower")))
    lead = f"{explain('landscape', study.results)} {nothing[0].upper()}{nothing[1:]}."
    name = study.results.plan.metric_name
    return _section(study, "search", f"{name[0].upper()}{name[1:]} against each hyperparameter", lead, "landscape-{}")


def parallel_section(study: Study) -> Section:
    """Configurations as lines through parallel axes; drawn from the points of `search_section`."""
    lead = f"{explain('parallel', study.results)} Drawn strongly: the best tenth of those shown."
    return _section(study, "parallel", "Configurations in parallel coordinates", lead, "parallel-{}")


def _section(study: Study, name: str, title: str, lead: str, figure: str) -> Section:
    evaluations = study.results.evaluations
    there = list(evaluations["objective"].unique())
    if not there:
        return Section(name=name, title=title, lead=lead, absent="No evaluation is recorded yet.")
    wide = {objective.label: min(3, len(objective.space)) for objective in study.results.plan.objectives}
    drawings = charts(study, f"{title}, {{}}", figure, there)
    return Section(
        name=name,
        title=title,
        lead=lead,
        charts=tuple(replace(chart, span=wide[chart.objective or ""]) for chart in drawings),
        tables=("trials",),
        notes=tuple(_notes(evaluations) if name == "search" else ()),
    )


def _notes(evaluations: pd.DataFrame) -> list[str]:
    cells = {label: (len(drawn(rows)), len(rows)) for label, rows in groups(evaluations, "objective")}
    told = [f"{count} of {of} on {label}" for label, (count, of) in cells.items() if count < of]
    lead = "Drawn are an even part of each algorithm's evaluations, and the best of every run"
    return [f"{lead}: {', '.join(told)}."] if told else []


def points(study: Study) -> dict[str, Any]:
    """The evaluations that are drawn, by objective."""
    return {objective.label: _points(study, objective) for objective in study.results.plan.objectives}


def _points(study: Study, objective: Objective) -> dict[str, Any]:
    results = study.results
    rows = drawn(results.evaluations[results.evaluations["objective"] == objective.label])
    configs = results.configs(rows)
    places = {name: place for place, name in enumerate(results.plan.algorithms)}
    return {
        "axes": [_axis(axis) for axis in objective.space],
        "values": [_values(axis, configs) for axis in objective.space],
        "algorithm": [places[name] for name in rows["algorithm"]],
        "repetition": rows["repetition"].tolist(),
        "trial": rows["trial"].tolist(),
        "epochs": rows["epochs"].tolist(),
        "state": rows["state"].tolist(),
        "valid": compact(objective.metric.own(rows["valid_error"])),
        "test": compact(objective.metric.own(rows["test_error"])),
    }


def drawn(rows: pd.DataFrame) -> pd.DataFrame:
    """At most about `MOST_POINTS` evaluations: every k-th of each algorithm's, those without a result, and the best.

    The best are the lowest validation error of every run. Nothing is drawn by chance.
    """
    if len(rows) <= MOST_POINTS:
        return rows
    groups = rows.groupby(["algorithm", "repetition"], sort=False)["valid_error"]
    best = rows["valid_error"].eq(groups.transform("min")) & ~rows.assign(best=groups.transform("min")).duplicated(
        ["algorithm", "repetition", "valid_error"]
    )
    place = rows.groupby("algorithm", sort=False).cumcount().to_numpy()
    step = int(np.ceil(len(rows) / MOST_POINTS))
    kept: pd.DataFrame = rows[(place % step == 0) | best.to_numpy()]
    return kept


def _axis(axis: Hyperparameter) -> dict[str, Any]:
    categories = [str(choice) for choice in axis.choices] if axis.kind == "categorical" else None
    numbers = [float(choice) for choice in axis.choices] if axis.kind == "ordinal" else [axis.low, axis.high]
    return {
        "name": axis.name,
        "log": axis.log,
        "categories": categories,
        "range": compact([0, len(axis.choices) - 1] if categories else [min(numbers), max(numbers)]),
    }


def _values(axis: Hyperparameter, configs: list[dict[str, Any]]) -> list[float | int | None]:
    """The values of a hyperparameter, of a categorical one the places of its choices; null where it does not count."""
    if axis.kind == "categorical":
        return [axis.choices.index(config[axis.name]) if axis.name in config else None for config in configs]
    return compact((config.get(axis.name, np.nan) for config in configs), digits=4)
