"""What tables for papers say, whatever they are marked up with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from analysis.loading.metric import KINDS, Metric
from analysis.loading.plan import Objective, Plan
from analysis.study import Study
from analysis.tables.front import multi_objective
from analysis.tables.pairwise import A_BETTER, B_BETTER
from analysis.tables.trade_offs import trade_offs
from analysis.value_format import last_place, number_text, pair_texts

ENDPOINTS = {
    "test_error": "Test {} of the validation {} at the end of the budget",
    "valid_error": "Validation {} of the {} at the end of the budget",
    "score": "Anytime score (higher is better)",
}
"""What is shown; the metric's name is put in, and what was selected."""
RULE = (
    "Bold: better than every other algorithm on the objective (Wilcoxon signed-rank test on paired repetitions, "
    "Holm-adjusted, 5 %). Asterisk: the best one and all that it was not shown to be better than."
)
BEST, TIED, PLAIN = "best", "tied", "plain"


MOST_TRADE_OFFS = 40
"""Rows of a table of trade-offs; of more there are so many, evenly spaced."""
MOST_HYPERPARAMETERS = 8
"""Hyperparameters up to which a table of trade-offs has them; of more, front.csv has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The trade-offs of an objective as a table.

    Attributes:
        head: the columns: metrics, what found them, hyperparameters.
        rows: NaN where a metric is not known, or a hyperparameter does not count.
    """

    objective: Objective
    caption: str
    head: list[str]
    rows: list[list[float | str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is said of an algorithm on an objective.

    Attributes:
        mark: `BEST`, `TIED` with the best mean, or `PLAIN`.
        mean, std, lo, hi, median, iqm: as text; empty where undefined.
        runs: `48 of 50`, with the failed ones.
    """

    objective: str
    algorithm: str
    mark: str
    mean: str
    std: str
    lo: str
    hi: str
    median: str
    iqm: str
    runs: str
    complete: bool


def entries(study: Study) -> list[Entry]:
    """Every cell of the suite by its primary endpoint, in the order of the plan."""
    plan, table = study.results.plan, study.tables["statistics"]
    endpoints = table["objective"].map(
        {entry.label: study.results.endpoint_of(entry.label) for entry in plan.objectives}
    )
    rows: list[dict[Any, Any]] = table[table["endpoint"] == endpoints].to_dict("records")
    marks = {objective.label: _marks(study, objective.label, rows) for objective in plan.objectives}
    return [_entry(row, marks[row["objective"]].get(row["algorithm"], PLAIN)) for row in rows]


def caption(study: Study) -> str:
    """What is shown, over how many repetitions, and what was left out of how many."""
    plan = study.results.plan
    return (
        f"{plan.title}. {_endpoint(study)}, mean ± std (n - 1) over {plan.repetitions} "
        f"{'repetition' if plan.repetitions == 1 else 'repetitions'}; intervals are 95 % BCa bootstrap intervals of "
        f"the mean. {RULE}"
    )


def _endpoint(study: Study) -> str:
    """What is shown, and on which objectives it is the validation error for want of a test error."""
    plan = study.results.plan
    endpoints = {objective.label: study.results.endpoint_of(objective.label) for objective in plan.objectives}
    others = [label for label, endpoint in endpoints.items() if endpoint != plan.endpoint]
    name = plan.metric_name
    shown = endpoints[others[0]] if len(set(endpoints.values())) == 1 and others else plan.endpoint
    text = ENDPOINTS[shown].format(name, plan.objectives[0].metric.selected) + _units(plan)
    if shown != plan.endpoint or not others:
        return text
    if plan.endpoint == "score":
        return f"{text} (without a scale for scores, the test or else validation {name}: {', '.join(others)})"
    return f"{text} (without a test {name}, its validation {name}: {', '.join(others)})"


def _units(plan: Plan) -> str:
    """What the numbers of each objective are, where one declares it, and which of them are better."""
    declared = [objective for objective in plan.objectives if objective.metric.declared]
    words = [_unit(objective.metric) for objective in declared]
    if len(declared) == len(plan.objectives) and len(set(words)) == 1:
        return f"; {words[0]}"
    return "".join(f"; {objective.label}: {word}" for objective, word in zip(declared, words, strict=True))


def _unit(metric: Metric) -> str:
    return f"{metric.name}{metric.direction}{metric.in_unit}"


def incomplete(shown: list[Entry]) -> list[str]:
    """Cells that are not of all planned runs, or in which runs failed."""
    return [f"{entry.objective}/{entry.algorithm}: {entry.runs}" for entry in shown if not entry.complete]


def _marks(study: Study, objective: str, rows: list[dict[Any, Any]]) -> dict[str, str]:
    """The marks on an objective; the best has the best mean, or median if the mean of some algorithm is undefined."""
    there = [row for row in rows if row["objective"] == objective and row["n"]]
    if len(study.results.plan.algorithms) < 2 or not there:
        return {}
    by = "median" if any(math.isnan(row["mean"]) for row in there) else "mean"
    metric, endpoint = study.results.plan.objective(objective).metric, study.results.endpoint_of(objective)
    turned = -1.0 if endpoint == "score" or metric.maximised else 1.0
    best = min(there, key=lambda row: turned * row[by])["algorithm"]
    pairs = study.tables["pairwise"]
    pairs = pairs[pairs["objective"] == objective]
    beaten = {row["b"] for row in pairs.to_dict("records") if row["a"] == best and row["verdict"] == A_BETTER}
    beaten |= {row["a"] for row in pairs.to_dict("records") if row["b"] == best and row["verdict"] == B_BETTER}
    tied = [name for name in study.results.plan.algorithms if name != best and name not in beaten]
    return {best: TIED} | dict.fromkeys(tied, TIED) if tied else {best: BEST}


def _entry(row: Mapping[Any, Any], mark: str) -> Entry:
    failed = f", {row['n_failed']} failed" if row["n_failed"] else ""
    mean, std = pair_texts(row["mean"], row["std"])
    place = last_place([row["std"], row["mean_hi"] / 2 - row["mean_lo"] / 2])
    others = {"lo": "mean_lo", "hi": "mean_hi", "median": "median", "iqm": "iqm"}
    return Entry(
        objective=row["objective"],
        algorithm=row["algorithm"],
        mark=mark,
        runs=f"{row['n']} of {row['n_planned']}{failed}",
        complete=row["n"] == row["n_planned"] and not row["n_failed"],
        mean=mean if math.isfinite(row["mean"]) else "",
        std=std if math.isfinite(row["std"]) else "",
        **{name: _finite_text(row[column], place) for name, column in others.items()},
    )


def _finite_text(value: float, place: int | None) -> str:
    return number_text(value, place) if math.isfinite(value) else ""


def fronts(study: Study) -> list[Front]:
    """The trade-offs of every objective of several metrics, as tables."""
    return [_front(study, objective) for objective in multi_objective(study.results)]


def _front(study: Study, objective: Objective) -> Front:
    rows = trade_offs(study.tables["front"], objective)
    places = np.linspace(0, len(rows) - 1, min(len(rows), MOST_TRADE_OFFS)).round().astype(int)
    shown = rows.iloc[places]
    data = "test" if len(rows) and study.hypervolume.results.has_test(objective.label) else "valid"
    axes = objective.space if len(objective.space) <= MOST_HYPERPARAMETERS else ()
    head = [f"{metric.name}{metric.direction}{metric.in_unit}" for metric in objective.optimised]
    head += ["algorithm", "repetition", "trial", *(axis.name for axis in axes)]
    what = f"{KINDS[data].capitalize()} values of configurations on the validation fronts of all runs"
    what += " that none of the others dominates on validation."
    what += "" if len(shown) == len(rows) else f" {len(shown)} of {len(rows)}, evenly spaced."
    return Front(
        objective=objective,
        caption=f"{study.results.plan.title}. {objective.label}: {what}",
        head=head,
        rows=[_trade_off(row, objective, data, [axis.name for axis in axes]) for row in shown.to_dict("records")],
    )


def _trade_off(row: Mapping[Any, Any], objective: Objective, data: str, names: Sequence[str]) -> list[float | str]:
    config = orjson.loads(row["config"])
    settings = (config.get(name, math.nan) for name in names)
    return [
        *(float(row[f"{data}:{metric.name}"]) for metric in objective.optimised),
        *(str(row[name]) for name in ("algorithm", "repetition", "trial")),
        *(value if type(value) is float else str(value) for value in settings),
    ]
