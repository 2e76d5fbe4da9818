"""Everything recorded of a suite in one data frame, with the plan it belongs to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.ledgers import FIELDS, LATER_FIELDS, WORTHLESS, Ledger, Record, State, find, merged, unplanned
from analysis.methods import Method
from analysis.plan import Objective, Plan, read_plan
from analysis.refusal import BadInput
from analysis.trajectory import Array, Curve, curve

AXES = {"runtime": "end", "trials": "completed", "epochs": "cumulative_epochs"}
"""The axes of a trajectory, and the column of the evaluations that each one reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A planned run and where its evaluations are.

    Attributes:
        rows: its rows of the evaluations, in the order of completion.
    """

    objective: str
    algorithm: str
    repetition: int
    state: State
    rows: slice

    @property
    def aggregated(self) -> bool:
        """Whether means are over this run too: complete ones and those whose algorithm crashed."""
        return self.state in ("done", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a suite planned and what was recorded.

    Attributes:
        runs: every planned run, in the order of the plan.
        evaluations: one row an evaluation, runs in the order of the plan and evaluations in that of
            (end, index). Columns: objective, algorithm, repetition, run_state, the ledger's fields,
            completed (1, 2, ... within the run), cumulative_epochs (charged up to its completion) and
            counted (completed within the budget's runtime and epochs). All evaluations count
            whatever their fidelity, as in the book.
        methods: what stands behind every algorithm, with what its ledgers say of its libraries.
        unplanned: ledgers that are there but not in the plan; nothing reads them.
    """

    plan: Plan
    runs: tuple[Run, ...]
    evaluations: pd.DataFrame
    methods: Mapping[str, Method]
    unplanned: tuple[Path, ...]

    def cells(self) -> Iterator[tuple[str, str, list[Run]]]:
        """Every (objective, algorithm) and its runs, in the order of the plan."""
        size = self.plan.repetitions
        for place, (objective, algorithm) in enumerate(self.plan.cells()):
            yield objective.label, algorithm, list(self.runs[place * size : (place + 1) * size])

    def curves(self, runs: list[Run], axis: str) -> list[Curve]:
        """The anytime curves of the given runs on one of the `AXES`."""
        columns = [self.evaluations[name].to_numpy() for name in (AXES[axis], "valid_error", "test_error", "counted")]
        return [_curve(*(column[run.rows] for column in columns), carried=run.state == "done") for run in runs]


def load(folder: Path) -> Results:
    """Read a suite's plan and all of its ledgers.

    Args:
        folder: `results/<suite>`.

    Raises:
        BadInput: an unreadable plan, a damaged ledger, or no ledger at all.
    """
    plan = read_plan(folder)
    methods = dict(plan.methods)
    runs: list[Run] = []
    records: list[Record] = []
    for objective, algorithm in plan.cells():
        for repetition in range(plan.repetitions):
            ledger = find(folder, objective.label, algorithm, repetition)
            _check_space(folder, objective, ledger)
            _check_clock(folder, plan, ledger)
            known = methods[algorithm]  # What it lacks may depend on the objective's space.
            methods[algorithm] = replace(
                known, libraries=merged(known.libraries, ledger.libraries), lacks={**known.lacks, **ledger.lacks}
            )
            rows = slice(len(records), len(records) + len(ledger.evaluations))
            run = Run(
                objective=objective.label, algorithm=algorithm, repetition=repetition, state=ledger.state, rows=rows
            )
            records += _labelled(run, ledger)
            runs.append(run)
    if all(run.state == "missing" for run in runs):
        raise BadInput(
            f"{folder}: no run is recorded there yet; run the suite first: python -m benchmark run {plan.name}"
        )
    planned = {(run.objective, run.algorithm, f"{run.repetition:03d}") for run in runs}
    return Results(
        plan=plan,
        runs=tuple(runs),
        evaluations=_frame(records, plan),
        methods=methods,
        unplanned=tuple(unplanned(folder, planned)),
    )


def _check_space(folder: Path, objective: Objective, ledger: Ledger) -> None:
    try:
        for record in ledger.evaluations:
            objective.check(record["config"])
    except BadInput as error:
        raise BadInput(f"{folder / 'suite.json'}: not the plan of the ledgers beside it: {error}") from error


def _check_clock(folder: Path, plan: Plan, ledger: Ledger) -> None:
    """Refuse to call measured seconds modelled, or the other way round."""
    of_other = f"{folder / 'suite.json'}: not the plan of the ledgers beside it: clock = {plan.clock!r}"
    if ledger.clock not in (None, plan.clock):
        raise BadInput(f"{of_other}, but they were recorded with {ledger.clock!r}")
    trained = (record for record in ledger.evaluations if record["state"] not in WORTHLESS)
    if plan.clock == "modelled" and any(record["modelled_seconds"] is None for record in trained):
        raise BadInput(f"{of_other}, but they hold evaluations without modelled_seconds")


def _labelled(run: Run, ledger: Ledger) -> list[Record]:
    epochs = np.cumsum([record["epochs"] - record["start_epoch"] for record in ledger.evaluations]).tolist()
    labels = {
        "objective": run.objective,
        "algorithm": run.algorithm,
        "repetition": run.repetition,
        "run_state": run.state,
    }
    return [
        {**labels, **record, "completed": place + 1, "cumulative_epochs": epochs[place]}
        for place, record in enumerate(ledger.evaluations)
    ]


def _frame(records: list[Record], plan: Plan) -> pd.DataFrame:
    fields = (*FIELDS, *LATER_FIELDS)
    names = ("objective", "algorithm", "repetition", "run_state", *fields, "completed", "cumulative_epochs")
    frame = pd.DataFrame({name: [record[name] for record in records] for name in names})
    numbers = ("valid_error", "test_error", "train_seconds", "decide_seconds", "start", "end", *LATER_FIELDS)
    frame = frame.astype(dict.fromkeys(numbers, np.float64))
    in_time = frame["end"] <= plan.budget.get("runtime", math.inf)
    in_epochs = frame["cumulative_epochs"] <= plan.budget.get("epochs", math.inf)
    return frame.assign(counted=in_time & in_epochs)


def _curve(t: Array, valid: Array, test: Array, counted: Array, *, carried: bool) -> Curve:
    return curve(t[counted].astype(np.float64), valid[counted], test[counted], carried=carried)
