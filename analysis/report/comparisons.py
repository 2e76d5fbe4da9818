"""Who is better than whom: intervals, paired comparisons, ranks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.explanations import ahead, explain
from analysis.report.encoding import compact, interval_text, number_text, p_text
from analysis.report.html_table import (
    Column,
    error_column,
    html_table,
    integer_column,
    interval_place,
    number_column,
    spread_place,
    text_column,
)
from analysis.report.section import Section, charts, groups, metric_columns, table
from analysis.study import Study
from analysis.tables.pairwise import A_BETTER, B_BETTER

UNFINISHED = "No run is finished yet."
UNSCALED = "There is no anytime score where a metric declares no best and chance values, between which it would lie."
MOST_ROWS = 120
"""Pairs up to which the page lists all of them; of more, those with the control."""


def statistics_section(study: Study) -> Section:
    """What each algorithm reached, with intervals."""
    title = "Final results with intervals"
    plan = study.results.plan
    name, best = plan.metric_name, "best" if plan.declares_metrics else "least"
    lead = (
        f"Over repetitions, intervals at 95 %. IQM: mean of the middle half. The test {name} is that of the "
        f"configuration with the {best} validation {name}; the validation {name} is too good by that selection."
    )
    frame = table(study, "statistics")
    if frame is None:
        return Section(name="statistics", title=title, lead=lead, absent=UNFINISHED)
    columns = [
        text_column("objective", "objective"),
        text_column("algorithm", "algorithm"),
        Column(title="endpoint", text=_endpoint),
        *metric_columns(study),
        error_column("mean", "mean", spread_place, "undefined where a run failed"),
        _interval("mean", "95 %"),
        error_column("std", "std", spread_place, "between repetitions, ddof = 1"),
        error_column("median", "median", spread_place),
        _interval("median", "95 %"),
        error_column("iqm", "IQM", spread_place, "mean of the middle half"),
        _interval("iqm", "95 %"),
        Column(title="runs", text=_runs, key=lambda row: row["n"], hint="finished of planned"),
    ]
    ordered = frame.sort_values(["objective", "endpoint"], key=lambda column: column.map(_places(study)), kind="stable")
    return Section(
        name="statistics",
        title=title,
        lead=lead,
        sheets=(html_table(title, ordered, columns),),
        tables=("statistics", "summary", "runs"),
    )


def pairwise_section(study: Study) -> Section:
    """Every two algorithms, repetition by repetition."""
    title, plan = "Pairs of algorithms", study.results.plan
    lead = _pairwise_lead(study)
    frame = table(study, "pairwise")
    if frame is None:
        why = "There is a single algorithm." if len(plan.algorithms) == 1 else UNFINISHED
        return Section(name="pairwise", title=title, lead=lead, absent=why)
    rows = controlled(frame, plan.control)
    notes: list[str] = []
    if len(rows) < len(frame):
        notes.append(f"Listed: pairs with {plan.control}; all {len(frame)} are in pairwise.csv.")
    notes += _exceptions(study)
    return Section(
        name="pairwise",
        title=title,
        lead=lead,
        sheets=(html_table(title, rows, _pairwise_columns(study), about=("a", "b")),),
        tables=("pairwise",),
        notes=tuple(notes),
    )


def _pairwise_lead(study: Study) -> str:
    """What is compared, what a sign means, and by which test."""
    plan = study.results.plan
    negative, positive = (f"a {sign} difference favours the first" for sign in ("negative", "positive"))
    favours = ahead(study.results, negative, positive, of_endpoint=True)
    direction = f"{favours[0].upper()}{favours[1:]}"
    if not plan.paired:
        return (
            f"Compared on the {plan.endpoint_text}, unpaired: nothing says which repetitions met the same noise. "
            f"{direction}. p: Mann-Whitney test; p (Holm) is corrected for all pairs of the objective."
        )
    return (
        f"Compared on the {plan.endpoint_text}, repetition by repetition: both met the same noise. "
        f"{direction}. p: Wilcoxon's signed-rank test; p (Holm) is corrected for all pairs "
        "of the objective. Detectable: the difference found with 80 % power at so many repetitions."
    )


def _pairwise_columns(study: Study) -> list[Column]:
    paired = study.results.plan.paired
    favours = ahead(study.results, "negative", "positive", of_endpoint=True)
    place = interval_place("mean_difference")
    better = "share of repetitions, ties half" if paired else "of two runs drawn at random, ties half"
    return [
        text_column("objective", "objective"),
        text_column("a", "first"),
        text_column("b", "second"),
        *metric_columns(study),
        Column(title="verdict", text=_verdict),
        error_column("mean_difference", "mean difference", place, f"first less second; {favours} favours the first"),
        _interval("mean_difference", "95 %"),
        error_column("median_difference", "median", place, "of the differences"),
        number_column("p_better", "P(first better)", lambda value: number_text(value, "{:.2g}"), better),
        number_column("p", "p", p_text),
        number_column("p_holm", "p (Holm)", p_text),
        *(_of_pairs() if paired else _of_samples()),
    ]


def _of_pairs() -> list[Column]:
    return [
        number_column(
            "detectable", "detectable", lambda value: number_text(value, "{:.2g}"), "in units of the endpoint"
        ),
        number_column("detectable_sd", "in sd", lambda value: number_text(value, "{:.2g}"), "in sd of the differences"),
        integer_column("n", "pairs", "repetitions that both finished"),
    ]


def _of_samples() -> list[Column]:
    return [integer_column("n_a", "runs of first"), integer_column("n_b", "runs of second")]


def ranks_section(study: Study) -> Section:
    """Mean ranks with intervals."""
    lead = (
        "Ranked within each repetition, 1 is best, ties share; failed runs share the worst. Bars: 95 %."
        if study.results.plan.paired
        else "The rank to expect of runs drawn independently, for repetitions are no pairs; 1 is best. Bars: 95 %."
    )
    return dots_section(study, "ranks", "Ranks", lead, table(study, "ranks"), "mean rank", ("mean_rank", "lo", "hi"))


def scores_section(study: Study) -> Section:
    """Mean anytime scores with intervals."""
    lead = explain("scores", study.results)
    frame = table(study, "statistics")
    scores = None if frame is None else frame[frame["endpoint"] == "score"]
    columns = ("mean", "mean_lo", "mean_hi")
    lacking = [entry.label for entry in study.results.plan.objectives if entry.metric.scale is None]
    absent = UNFINISHED if len(lacking) < len(study.results.plan.objectives) else UNSCALED
    section = dots_section(study, "scores", "Anytime scores", lead, scores, "anytime score", columns, absent)
    return replace(section, notes=(f"{UNSCALED} This holds for {', '.join(lacking)}.",)) if lacking else section


def dots_section(
    study: Study,
    name: str,
    title: str,
    lead: str,
    frame: pd.DataFrame | None,
    unit: str,
    columns: tuple[str, str, str],
    absent: str = UNFINISHED,
) -> Section:
    """A number with an interval for each algorithm.

    Args:
        study: for its objectives.
        name: of the section.
        title: of the section.
        lead: how to read it.
        frame: columns objective, algorithm and `columns`.
        unit: title of the axis.
        columns: value and both limits.
        absent: why there may be none.
    """
    known = None if frame is None else frame[frame[columns[0]].notna()]
    if known is None or known.empty:
        return Section(name=name, title=title, lead=lead, absent=absent)
    data = {label: _dots(rows, columns) for label, rows in groups(known, "objective")}
    return Section(
        name=name,
        title=title,
        lead=lead,
        charts=charts(study, f"{title} on {{}}", f"{name}-{{}}", list(data)),
        data={"unit": unit, "cells": data},
        tables=(name,),
    )


def controlled(pairs: pd.DataFrame, control: str) -> pd.DataFrame:
    """All pairs, or where they are too many to read those with the control."""
    if len(pairs) <= MOST_ROWS:
        return pairs
    return pairs[(pairs["a"] == control) | (pairs["b"] == control)]


def _dots(rows: pd.DataFrame, columns: tuple[str, str, str]) -> dict[str, Any]:
    value, low, high = (compact(rows[name]) for name in columns)
    return {"algorithm": rows["algorithm"].tolist(), "value": value, "lo": low, "hi": high}


def _interval(name: str, title: str) -> Column:
    return Column(
        title=title,
        text=lambda row: interval_text(row[f"{name}_lo"], row[f"{name}_hi"]),
        key=lambda row: row[f"{name}_lo"],
        hint=f"95 % interval of the {name.replace('_', ' ')}",
    )


def _endpoint(row: Any) -> str:
    """The endpoint of a row with the name of its metric."""
    return str(row["endpoint"]).replace("_error", f" {row.get('metric', 'error')}")


def _exceptions(study: Study) -> Iterator[str]:
    """On which objectives something else than the endpoint is compared."""
    results, plan = study.results, study.results.plan
    want = "a scale for scores" if plan.endpoint == "score" else f"a test {plan.metric_name}"
    for endpoint, word in (("test_error", "test"), ("valid_error", "validation")):
        labels = [entry.label for entry in plan.objectives if results.endpoint_of(entry.label) == endpoint]
        if labels and endpoint != plan.endpoint:
            yield f"Compared on the {word} {plan.metric_name}, for want of {want}: {', '.join(labels)}."


def _verdict(row: Any) -> str:
    """The verdict with the name of the better one."""
    return str(row[row["verdict"][0]] + " better" if row["verdict"] in (A_BETTER, B_BETTER) else row["verdict"])


def _runs(row: Any) -> str:
    failed = f", {row['n_failed']} failed" if row["n_failed"] else ""
    return f"{row['n']:.0f} of {row['n_planned']}{failed}"


def _places(study: Study) -> dict[str, int]:
    """Sorting places: objectives in the order of the plan, the primary endpoint first."""
    plan = study.results.plan
    endpoints = sorted(["test_error", "valid_error", "score"], key=lambda name: name != plan.endpoint)
    labels = [objective.label for objective in plan.objectives]
    return {name: place for names in (endpoints, labels) for place, name in enumerate(names)}
