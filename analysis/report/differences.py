"""Sections of the report on differences over time and on times to targets."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis.explanations import explain
from analysis.report.encoding import compact, error_text, interval_text, number_text
from analysis.report.html_table import Column, Row, html_table, number_column, text_column
from analysis.report.section import Section, charts, metric_columns, table
from analysis.report.trajectories import kept
from analysis.study import Study

MOST_ROWS = 24_000
"""Times in all differences together; with more of them every pair keeps an even share."""
FEWEST_ROWS = 40
MOST_LINES = 480
"""Rows of the table of targets up to which it has all axes and both errors."""
ALONE = "There is a single algorithm."
UNFINISHED = "No repetition is finished by two algorithms yet."


def differences_section(study: Study) -> Section:
    """Differences of incumbents over time, with simultaneous bands."""
    title, plan = "Differences over time", study.results.plan
    coloured = "a coloured bar says that the algorithm is better, a thin one that the other is"
    lead = f"{explain('difference', study.results)} There {coloured}."
    frame = table(study, "differences")
    if frame is None:
        why = ALONE if len(plan.algorithms) == 1 else UNFINISHED
        return Section(name="differences", title=title, lead=lead, absent=why)
    return Section(
        name="differences",
        title=title,
        lead=lead,
        charts=charts(study, "Differences of incumbents on {}", "difference-{}", list(frame["objective"].unique())),
        data=_pairs(frame, table(study, "claims")),
        tables=("differences", "claims"),
    )


def targets_section(study: Study) -> Section:
    """Times to reach what the control reaches."""
    title, plan = "Time to target", study.results.plan
    lead = (
        f"{explain('targets', study.results)} ERT: time spent by all runs for each success, unfinished attempts "
        "counted. PAR-10: a miss costs ten times the run. Times faster: "
        f"ERT of {plan.control} over that of the algorithm."
    )
    frame = table(study, "targets")
    if frame is None:
        why = f"{plan.control} has no mean trajectory yet, so there is no target."
        return Section(name="targets", title=title, lead=lead, absent=why)
    listed = frame if len(frame) <= MOST_LINES else _primary(study, frame)
    told = (
        ()
        if len(listed) == len(frame)
        else (f"Listed: {_endpoint_note(study)}; all axes, validation and test are in targets.csv.",)
    )
    return Section(
        name="targets",
        title=title,
        lead=lead,
        charts=charts(study, "Time to target on {}", "targets-{}", list(frame["objective"].unique())),
        data=_targets(frame),
        sheets=(
            html_table(
                title, _with_ratios(listed, table(study, "speedups")), _columns(study), chosen=len(listed) == len(frame)
            ),
        ),
        tables=("targets", "speedups"),
        notes=told,
    )


def _columns(study: Study) -> list[Column]:
    return [
        text_column("objective", "objective"),
        text_column("algorithm", "algorithm"),
        *metric_columns(study),
        number_column("target", "target", error_text),
        text_column("source", "reached by"),
        Column(title="reached", text=lambda row: f"{row['n_success']} of {row['n']}", key=lambda row: row["n_success"]),
        number_column("ert", "ERT", number_text, "expected running time, in units of the axis"),
        number_column("par10", "PAR-10", number_text),
        number_column("km_median", "median time", number_text, "Kaplan-Meier, unfinished runs censored"),
        Column(
            title="95 %",
            text=lambda row: interval_text(row["km_lo"], row["km_hi"], "{:.3g}"),
            key=lambda row: row["km_lo"],
        ),
        Column(title="times faster", text=_ratio, key=lambda row: row["ratio"], hint="ratio of ERTs, 95 % interval"),
    ]


def _ratio(row: Row) -> str:
    known = not (math.isnan(row["lo"]) or math.isnan(row["hi"]))
    return number_text(row["ratio"]) + (f" ({interval_text(row['lo'], row['hi'], '{:.2g}')})" if known else "")


def _with_ratios(targets: pd.DataFrame, speedups: pd.DataFrame | None) -> pd.DataFrame:
    if speedups is None:
        return targets.assign(ratio=math.nan, lo=math.nan, hi=math.nan)
    keys = ["objective", "axis", "error", "target", "source", "algorithm"]
    ours = speedups.rename(columns={"a": "algorithm"})[[*keys, "ratio", "lo", "hi"]]
    return targets.merge(ours, on=keys, how="left")


def _primary(study: Study, frame: pd.DataFrame) -> pd.DataFrame:
    errors = frame["objective"].map(lambda label: _error(study, label))
    rows: pd.DataFrame = frame[(frame["axis"] == study.results.plan.axis) & (frame["error"] == errors)]
    return rows


def _endpoint_note(study: Study) -> str:
    used = {_error(study, objective.label) for objective in study.results.plan.objectives}
    name = study.results.plan.metric_name
    error = f"test {name}" if "test" in used else f"validation {name}"
    exception = f" (without a test set: validation {name})" if len(used) > 1 else ""
    return f"{study.results.plan.axis}, {error}{exception}"


def _error(study: Study, objective: str) -> str:
    return "valid" if study.results.endpoint_of(objective) == "valid_error" else "test"


def _pairs(frame: pd.DataFrame, claims: pd.DataFrame | None) -> dict[str, Any]:
    """By objective, axis and error: pairs with times, mean, band and claims."""
    keys = ["objective", "axis", "error", "a", "b"]
    groups = frame.groupby(keys, sort=False)
    share = max(FEWEST_ROWS, MOST_ROWS // max(groups.ngroups, 1))
    claimed = {} if claims is None else dict(list(claims.groupby(keys, sort=False)))
    pairs: dict[str, Any] = {}
    for names, rows in groups:
        objective, axis, error, a, b = map(str, names)
        thin = rows.iloc[kept(rows["t"].to_numpy(), share)]
        pair = {"a": a, "b": b, "t": compact(thin["t"], digits=6), "claims": _claims(claimed.get(names))}
        pair |= {name: compact(thin[name], digits=4) for name in ("mean", "lo", "hi")}
        pairs.setdefault(objective, {}).setdefault(axis, {}).setdefault(error, []).append(pair)
    return pairs


def _claims(rows: pd.DataFrame | None) -> list[dict[str, Any]]:
    return [] if rows is None else [
        {"better": row["better"], "start": compact([row["start"]])[0], "end": compact([row["end"]])[0]}
        for row in rows.to_dict("records")
    ]  # fmt: skip


def _targets(frame: pd.DataFrame) -> dict[str, Any]:
    """By objective, axis, error and algorithm: targets, ERT, and how many runs reached them."""
    found: dict[str, Any] = {}
    for names, rows in frame.groupby(["objective", "axis", "error", "algorithm"], sort=False):
        objective, axis, error, algorithm = map(str, names)
        cell = {"target": compact(rows["target"]), "source": rows["source"].tolist(), "ert": compact(rows["ert"])}
        cell |= {"reached": [f"{success} of {n}" for success, n in zip(rows["n_success"], rows["n"], strict=True)]}
        found.setdefault(objective, {}).setdefault(axis, {}).setdefault(error, {})[algorithm] = cell
    return found
