"""Write the findings of the summary: sentences that follow from the tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.imported import imported_notes
from analysis.loading.metric import Metric
from analysis.report.encoding import count_text, error_text, number_text, p_text
from analysis.report.many_tasks import many_tasks_findings
from analysis.report.section import table
from analysis.study import Study
from analysis.tables.basic import end_notes
from analysis.tables.endpoints import test_notes
from analysis.tables.feasibility import feasibility_notes
from analysis.tables.front import multi_objective
from analysis.tables.hypervolume import reference_notes
from analysis.tables.overhead import overhead_table
from analysis.tables.pairwise import A_BETTER, B_BETTER, UNSHOWN
from analysis.tables.scores import scale_notes
from analysis.tables.seed_optimism import seed_notes
from analysis.value_format import last_place

MOST_PAIRS = 6
"""Pairs of an objective up to which each has its sentence; of more, those with the control."""
MOST_SENTENCES = 8
"""Algorithms up to which each has its sentence; more are counted and only the best are named."""
UNEQUAL = 1.1
"""Ratio of mean runtimes from which on it is said that endpoints are not at equal time."""
KINDS = {"test_error": "test", "valid_error": "valid"}
"""What the endpoints but the score are taken on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A sentence of the summary.

    Attributes:
        text: a sentence; where it is about an objective, what comes after its label and a colon.
        objective: what it is about; None: the suite.
    """

    text: str
    objective: str | None = None

    @property
    def whole(self) -> str:
        return self.text if self.objective is None else f"{self.objective}: {self.text}"


def findings(study: Study) -> list[Finding]:
    """The summary: how much is finished, who is better than whom on each objective, what failed."""
    return [
        *_progress(study),
        *map(_of_suite, many_tasks_findings(study)),
        *(_comparisons(study.hypervolume) if multi_objective(study.results) else ()),
        *_comparisons(study),
        *_runtimes(study),
        *_optimism(study),
        *_overhead(study),
        *map(_of_suite, seed_notes(study.results.plan)),
        *map(_of_suite, imported_notes(study.results.plan.imported)),
        *(
            Finding(text=text, objective=objective)
            for notes in (end_notes, test_notes, scale_notes, reference_notes, feasibility_notes)
            for objective, text in notes(study.results)
        ),
    ]


def _of_suite(text: str) -> Finding:
    """A sentence on the whole suite."""
    return Finding(text=f"{text[0].upper()}{text[1:]}")


def _progress(study: Study) -> Iterator[Finding]:
    states = [run.state for run in study.results.runs]
    lost = {state: states.count(state) for state in ("failed", "partial", "missing") if state in states}
    if not lost or study.results.plan.imported is not None:  # Nobody planned as many studies of every algorithm.
        return
    told = ", ".join(f"{count} {state}" for state, count in lost.items())
    yield Finding(text=f"{states.count('done')} of {count_text(len(states), 'run')} finished ({told}).")


def _comparisons(study: Study) -> Iterator[Finding]:
    pairs, plan = table(study, "pairwise"), study.results.plan
    if pairs is None:
        if len(plan.algorithms) == 1:
            yield Finding(text=f"{plan.algorithms[0]} is alone: there is nothing to compare it with.")
        return
    statistics = table(study, "statistics")
    for objective in plan.objectives:
        mine = pairs[pairs["objective"] == objective.label]
        if len(mine) > MOST_PAIRS:
            mine = mine[(mine["a"] == plan.control) | (mine["b"] == plan.control)]
        rows = mine.to_dict("records")
        if len(rows) > MOST_SENTENCES:
            yield _counted(objective.label, plan.control, rows, "by hypervolume, " if study.results.so_far else "")
            continue
        for row in rows:
            yield Finding(text=sentence(row, statistics, objective.metric), objective=objective.label)


def sentence(row: Any, statistics: pd.DataFrame | None, metric: Metric) -> str:
    """One pair in words.

    Args:
        row: of the table `pairwise`.
        statistics: the table, for what each of them reached.
        metric: what that is.
    """
    where, n = row["objective"], int(row["n"])
    if n == 0:
        return f"{row['a']} and {row['b']} have no finished repetition in common."
    better, worse = (row["b"], row["a"]) if row["verdict"] == B_BETTER else (row["a"], row["b"])
    told = {
        A_BETTER: f"{better} is better than {worse}",
        B_BETTER: f"{better} is better than {worse}",
        UNSHOWN: f"no difference shown between {better} and {worse}",
    }.get(row["verdict"], f"{better} and {worse} are a tie, their gap being below the noise floor")
    kind = KINDS.get(row["endpoint"])
    name, unit = ("anytime score", "") if kind is None else (metric.title(kind), metric.unit)
    reached = _reached(statistics, where, row["endpoint"], unit, better, worse)
    sizes = f"n = {count_text(n, 'pair')}"
    if "n_b" in row:
        sizes = f"unpaired, n = {int(row['n_a'])} and {int(row['n_b'])}"
    tested = sizes + ("" if math.isnan(row["p_holm"]) else f", p (Holm) {_equals(row['p_holm'])}")
    power = row["detectable_sd"]
    detectable = _detectable(power)
    units = (
        f" ({number_text(row['detectable'], '{:.2g}')})"
        if math.isfinite(power) and math.isfinite(row["detectable"])
        else ""
    )
    return f"{told}: {name} {reached}{tested}{detectable}{units}."


def _equals(p: float) -> str:
    text = p_text(p)
    return text if text.startswith("<") else f"= {text}"


def _reached(statistics: pd.DataFrame | None, objective: str, endpoint: str, unit: str, *algorithms: str) -> str:
    """`0.158 vs 0.172, `: means, or medians where a failure leaves no mean."""
    if statistics is None:
        return ""
    rows = statistics[(statistics["objective"] == objective) & (statistics["endpoint"] == endpoint)]
    rows = rows.set_index("algorithm").reindex(algorithms)
    measure = "median" if rows["mean"].isna().any() else "mean"
    low, high = rows[measure].min(), rows[measure].max()
    gap = 0.0 if low == high else high / 2 - low / 2  # Both may be infinite.
    place = last_place([*rows["std"], gap])  # Two algorithms that differ are not written alike.
    values = " vs ".join(error_text(value, place) for value in rows[measure])
    return f"{'median ' if measure == 'median' else ''}{values}{f' {unit}' if unit else ''}, "


def _counted(objective: str, control: str, rows: list[Any], of: str) -> Finding:
    """Many algorithms against the control: how many are better, not shown different, worse."""
    named: dict[str, list[str]] = {"better": [], "worse": [], "tied": [], "open": []}
    for row in rows:
        other = row["b"] if row["a"] == control else row["a"]
        ahead = row["verdict"] == (A_BETTER if row["a"] == other else B_BETTER)
        verdicts = {UNSHOWN: "open", A_BETTER: "worse", B_BETTER: "worse"}
        named["better" if ahead else verdicts.get(row["verdict"], "tied")].append(other)
    n, power = int(max(row["n"] for row in rows)), max(row["detectable_sd"] for row in rows)
    parts = [f"better: {_listed(named['better'])}", f"worse: {_listed(named['worse'])}"]
    parts += [f"ties below the noise floor: {_listed(named['tied'])}"] if named["tied"] else []
    parts.append(f"no difference shown: {len(named['open'])} of {len(rows)}")
    sizes = f"unpaired, n >= {n}" if "n_b" in rows[0] else f"n = {count_text(n, 'pair')}"
    tested = f"{sizes}, p by Holm{_detectable(power)}"
    text = f"{of}held against {control}: {'; '.join(parts)} ({tested})."
    return Finding(text=text, objective=objective)


def _detectable(power: float) -> str:
    if math.isinf(power):
        return "; too few to show any difference"
    return "" if math.isnan(power) else f"; detectable: {power:.2g} sd"


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "none"


def _runtimes(study: Study) -> Iterator[Finding]:
    """Where the budget gives some algorithms more seconds than others, verdicts at its end are not at equal time."""
    plan = study.results.plan
    if plan.axis == "runtime" or (plan.imported is not None and len(set(plan.imported.clocks.values())) > 1):
        return
    for objective, rows in study.tables["summary"].dropna(subset=["runtime_mean"]).groupby("objective", sort=False):
        ordered = rows.sort_values("runtime_mean", kind="stable")
        least, most = ordered.iloc[0], ordered.iloc[-1]
        if most["runtime_mean"] > UNEQUAL * least["runtime_mean"]:
            first, last = (
                f"{number_text(row['runtime_mean'], '{:.3g}')} s ({row['algorithm']})" for row in (least, most)
            )
            what = "the budget" if plan.imported is None else "a study"
            text = f"{what} took {first} to {last} on average: not at equal time, as differences over time are."
            yield Finding(text=text, objective=str(objective))


def _optimism(study: Study) -> Iterator[Finding]:
    """How much too good the selected validation errors are, where there was a recheck."""
    rows = table(study, "optimism")
    for row in [] if rows is None else rows.to_dict("records"):
        gain, metric = row["valid_optimism"], study.results.plan.objective(row["objective"]).metric
        unit = f" {metric.unit}" if metric.unit else ""
        if row["n"] and math.isfinite(gain):
            place = last_place([gain])
            selected, fresh = (error_text(row[f"{name}_valid_mean"], place) for name in ("selected", "fresh"))
            text = (
                f"what {row['algorithm']} selected had a {metric.title('valid')} of {selected}{unit}, and of "
                f"{fresh}{unit} when it was trained again with fresh seeds."
            )
            yield Finding(text=text, objective=row["objective"])


def _overhead(study: Study) -> Iterator[Finding]:
    known = overhead_table(study.results).dropna(subset=["share"])
    if known.empty:
        return
    top = known.sort_values("share", kind="stable").iloc[-1]
    share = number_text(100.0 * top["share"], "{:.2g}")
    yield Finding(
        text=f"Deciding took at most {share} % of the measured time ({top['algorithm']} on {top['objective']})."
    )
