"""What time went into: deciding and training, charged and paid seconds, and what each worker did when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.explanations import explain
from analysis.report.encoding import compact, count_text, number_text
from analysis.report.html_table import html_table, integer_column, number_column, text_column
from analysis.report.section import Section, charts, groups, table
from analysis.study import Study
from analysis.tables.importance import LEFT_OUT
from analysis.tables.overhead import overhead_table


def costs_section(study: Study) -> Section:
    """Decision overhead beside training time, and charged beside paid time."""
    title = "Where the time went"
    lead = f"{explain('overhead', study.results)} Seconds are sums over all recorded evaluations."
    overhead = overhead_table(study.results)
    if not overhead["n"].sum():
        return Section(name="costs", title=title, lead=lead, absent="No evaluation is recorded yet.")
    columns = [
        text_column("objective", "objective"),
        text_column("algorithm", "algorithm"),
        number_column("decide_seconds", "deciding [s]", number_text),
        number_column("train_seconds", "training [s]", number_text),
        number_column("share", "deciding, share", _percent, "deciding / (deciding + training)"),
        number_column("charged_seconds", "charged [s]", number_text),
        number_column("paid_seconds", "paid [s]", number_text),
        integer_column("n", "evaluations"),
    ]
    return Section(
        name="costs",
        title=title,
        lead=lead,
        charts=charts(study, "Deciding, training, charged and paid seconds on {}", "overhead-{}"),
        data={label: _seconds(rows) for label, rows in groups(overhead, "objective")},
        sheets=(html_table(title, overhead, columns),),
    )


def timeline_section(study: Study) -> Section:
    """Which worker trained what, and when, in one repetition."""
    lead = f"{explain('timeline', study.results)} Shown is repetition 0."
    return _drawn(study, "timeline", "Workers' timeline", lead, _bars, absent="Repetition 0 has not begun.")


def curves_section(study: Study) -> Section:
    """Learning curves of one repetition."""
    lead = f"{explain('curves', study.results)} Shown is repetition 0."
    why = "The ledgers of repetition 0 hold no curve."
    return _drawn(study, "curves", "Learning curves", lead, _curves, absent=why)


def importance_section(study: Study) -> Section:
    """Which hyperparameters matter."""
    lead = explain("importance", study.results)
    why = "Nothing to say: it takes 20 fully trained evaluations and errors that differ."
    section = _drawn(study, "importance", "Which hyperparameters matter", lead, _importance, absent=why)
    left_out = study.tables["importance"]["importance"].isna().sum()
    notes = (f"{count_text(left_out, 'hyperparameter')} left out: {LEFT_OUT}.",) if left_out else ()
    return replace(section, notes=notes)


def _drawn(
    study: Study, name: str, title: str, lead: str, encode: Callable[[pd.DataFrame], dict[str, Any]], *, absent: str
) -> Section:
    """A table drawn objective by objective; the table, the section and the static figures share a name."""
    rows = table(study, name)
    if rows is None:
        return Section(name=name, title=title, lead=lead, absent=absent)
    data = {label: encode(part) for label, part in groups(rows, "objective")}
    drawings = charts(study, f"{title} on {{}}", f"{name}-{{}}", list(data))
    return Section(name=name, title=title, lead=lead, charts=drawings, data=data, tables=(name,))


def _percent(value: float) -> str:
    return number_text(100.0 * value, "{:.2g} %")


def _seconds(rows: pd.DataFrame) -> dict[str, Any]:
    names = ("decide_seconds", "train_seconds", "charged_seconds", "paid_seconds")
    return {"algorithm": rows["algorithm"].tolist()} | {name: compact(rows[name]) for name in names}


def _bars(rows: pd.DataFrame) -> dict[str, Any]:
    """By algorithm: worker, start and end of every evaluation."""
    return {
        algorithm: {
            "worker": cell["worker"].tolist(),
            "trial": cell["trial"].tolist(),
            "start": compact(cell["start"]),
            "end": compact(cell["end"]),
            "epochs": [
                f"{first} to {last}" for first, last in zip(cell["start_epoch"] + 1, cell["epochs"], strict=True)
            ],
            "state": cell["state"].tolist(),
        }
        for algorithm, cell in groups(rows, "algorithm")
    }


def _curves(rows: pd.DataFrame) -> dict[str, Any]:
    """By algorithm: its trials, each with epochs and errors."""
    return {
        algorithm: [_trial(part) for _, part in groups(cell, "trial")] for algorithm, cell in groups(rows, "algorithm")
    }


def _trial(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "trial": int(rows["trial"].iloc[0]),
        "incumbent": bool(rows["incumbent"].iloc[0]),
        "epoch": rows["epoch"].tolist(),
        "valid": compact(rows["valid_error"]),
        "test": compact(rows["test_error"]),
    }


def _importance(rows: pd.DataFrame) -> dict[str, Any]:
    rows = rows[rows["importance"].notna()]
    names = [
        f"{name} (if {given})" if given else name
        for name, given in zip(rows["hyperparameter"], rows["given"], strict=True)
    ]
    return {"name": names, "importance": compact(rows["importance"]), "std": compact(rows["std"])}
