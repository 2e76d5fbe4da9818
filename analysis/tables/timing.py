"""Where the time went: what runs were charged, and what was really spent. Measured, so it does not repeat."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import pandas as pd

from analysis.loading.results import Results
from analysis.statistics.anytime import total


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Sums over the evaluations that are recorded, unfinished runs' included.

    Attributes:
        n_shared: evaluations whose training was paid by another one that asked for the same trial.
        charged_seconds: on the suite's clock.
        train_seconds: measured in the trainings whose results these are, whoever paid them.
        paid_seconds: measured, spent training for these evaluations.
        decide_seconds: measured, spent by the algorithms.
    """

    n_evaluations: int
    n_shared: int
    charged_seconds: float
    train_seconds: float
    paid_seconds: float
    decide_seconds: float


def timing(evaluations: pd.DataFrame) -> Timing:
    """The timing of some of the `Results.evaluations`."""
    shared = (evaluations["paid_seconds"] == 0.0) & (evaluations["train_seconds"] > 0.0)
    return Timing(
        n_evaluations=len(evaluations),
        n_shared=int(shared.sum()),
        charged_seconds=total(evaluations["end"] - evaluations["start"]),
        train_seconds=total(evaluations["train_seconds"]),
        paid_seconds=total(evaluations["paid_seconds"]),
        decide_seconds=total(evaluations["decide_seconds"]),
    )


def as_json(results: Results) -> bytes:
    """The timing of every cell and of the suite, with the clock it was charged by."""
    plan = results.plan
    cells = [
        {"objective": objective, "algorithm": algorithm}
        | _plain(timing(results.evaluations.iloc[runs[0].rows.start : runs[-1].rows.stop]))
        for objective, algorithm, runs in results.cells()
    ]
    content = {
        "calibration": None if plan.calibration is None else asdict(plan.calibration),
        "cells": cells,
        "clock": plan.clock,
        "total": _plain(timing(results.evaluations)),
    }
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _plain(spent: Timing) -> dict[str, float | None]:
    """By name; null where a sum is beyond all doubles, for JSON has no infinity."""
    return {name: value if math.isfinite(value) else None for name, value in asdict(spent).items()}


def as_line(results: Results) -> str:
    """`charged 312.4 s (modelled for NVIDIA H200), paid 98.1 s of training: 240 of 2000 evaluations shared (12 %)`."""
    total, plan = timing(results.evaluations), results.plan
    device = "by the objectives themselves" if plan.calibration is None else f"for {plan.calibration.device}"
    whose = {"modelled": f" {device}", "tabulated": ": the seconds that the objectives report"}.get(plan.clock, "")
    if plan.imported is not None:
        spent = _seconds(total.charged_seconds) if plan.imported.unit == "s" else "an unknown time"
        return f"recorded {spent} of trials, deciding and training apart unknown"
    share = f" ({100 * total.n_shared / total.n_evaluations:.0f} %)" if total.n_shared else ""
    return (
        f"charged {_seconds(total.charged_seconds)} ({plan.clock}{whose}), "
        f"paid {_seconds(total.paid_seconds)} of training: "
        f"{total.n_shared or 'none'} of {total.n_evaluations} evaluations shared{share}"
    )


def _seconds(value: float) -> str:
    if math.isnan(value):
        return "an unknown time"
    return f"{value:.1f} s" if value >= 10.0 else f"{value:.2g} s"
