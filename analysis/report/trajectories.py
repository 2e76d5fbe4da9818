"""The headline: the incumbent's error over runtime, trials and epochs, with its spread and its coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.explanations import explain
from analysis.report.encoding import compact
from analysis.report.section import Section, charts, table
from analysis.statistics.anytime import Array
from analysis.study import Study

DRAWN = ("mean", "std", "lo", "hi", "q10", "q50", "q90")
"""Columns of the table `bands` that the page draws."""
MOST_ROWS = 60_000
"""Times in all cells together; with more of them every cell keeps an even share."""
FEWEST_ROWS = 60


def trajectories_section(study: Study) -> Section:
    """Mean incumbent trajectories and what surrounds them."""
    bands = table(study, "bands")
    lead = f"{explain('anytime', study.results)} Other axes, data and bands may be chosen above."
    title = "Incumbent trajectories"
    if bands is None:
        return Section(name="trajectories", title=title, lead=lead, absent="No run is finished yet.")
    return Section(
        name="trajectories",
        title=title,
        lead=lead,
        charts=charts(study, "Incumbent trajectories on {}", "anytime-{}", list(bands["objective"].unique())),
        data={"cells": _cells(bands), "noise": _noise(study)},
        tables=("trajectory", "bands", "summary"),
    )


def _noise(study: Study) -> dict[str, Any]:
    """The noise floor by objective and error, where a recheck was made: sd of one configuration trained again."""
    rows = table(study, "noise")
    records = [] if rows is None else rows.to_dict("records")
    return {
        row["objective"]: {error: compact([row[f"{error}_sd"]])[0] for error in ("valid", "test")} for row in records
    }


def _cells(bands: pd.DataFrame) -> dict[str, Any]:
    """By objective, algorithm, axis and error: times, runs defined, and the columns `DRAWN`."""
    keys = ["objective", "algorithm", "axis", "error"]
    groups = bands.groupby(keys, sort=False)
    share = max(FEWEST_ROWS, MOST_ROWS // max(groups.ngroups, 1))
    cells: dict[str, Any] = {}
    for names, rows in groups:
        objective, algorithm, axis, error = map(str, names)
        thin = rows.iloc[kept(rows["t"].to_numpy(), share)]
        cell = {"t": compact(thin["t"], digits=7), "n": [int(n) for n in thin["n"]], "of": int(rows["n_runs"].iloc[0])}
        cell |= {name: compact(thin[name]) for name in DRAWN}
        cells.setdefault(objective, {}).setdefault(algorithm, {}).setdefault(axis, {})[error] = cell
    return cells


def kept(t: Array, share: int) -> list[int]:
    """Places of at most `share` of ascending times: evenly spaced ones on either scale, first and last among them.

    A step function drawn through them is late by less than one part in `share` / 2 of the width of the axis.
    """
    if len(t) <= share:
        return list(range(len(t)))
    looks = [np.linspace(t[0], t[-1], share // 2), np.geomspace(t[t > 0][0], t[-1], share // 2)]
    places = np.searchsorted(t, np.concatenate(looks), side="right") - 1
    return sorted({0, len(t) - 1, *places[places >= 0].tolist()})
