"""Everything recorded of a suite in one data frame, with the plan it belongs to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from analysis.loading.algorithms import Algorithm
from analysis.loading.ledgers import SUFFIXES, Ledger, State, find, merged, unplanned
from analysis.loading.machines import check_same_device, distinct
from analysis.loading.metric_values import SELECTION, tracked_columns, with_feasibility
from analysis.loading.plan import Objective, Plan, read_plan
from analysis.loading.records import FIELDS, LATER_FIELDS, PRUNED, STATES, WORTHLESS
from analysis.statistics.anytime import Array, Curve, curve, incumbents
from benchmark.errors import BadInput, shell_command
from benchmark.storage.suite_json import SUITE_JSON

SEVERAL_PROCESSES = 100_000_000
"""Bytes of ledgers from which on starting worker processes pays."""

AXES = {"runtime": "end", "trials": "completed", "epochs": "cumulative_epochs"}
"""The axes of a trajectory, and the column of the evaluations that each one reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A planned run and where its evaluations are.

    Attributes:
        ended: why a complete run stopped: "budget", or "exhausted" when its algorithm had nothing left to try.
        rows: its rows of the evaluations, in the order of completion.
    """

    objective: str
    algorithm: str
    repetition: int
    state: State
    ended: str | None = None
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
            whatever their fidelity, as in the book, but for imported ones that their tool has pruned.
            Where the plan has fronts or constraints there are those of
            `analysis.loading.metric_values` besides.
        algorithm_by_label: what stands behind every algorithm, with what its ledgers say of its libraries.
        environments: the distinct machine cards that runs were recorded on.
        unplanned: ledgers that are there but not in the plan; nothing reads them.
        so_far: whether an evaluation's errors are those of the whole run up to it, as a hypervolume is.
    """

    plan: Plan
    runs: tuple[Run, ...]
    evaluations: pd.DataFrame
    algorithm_by_label: Mapping[str, Algorithm]
    environments: tuple[Mapping[str, Any], ...]
    unplanned: tuple[Path, ...]
    so_far: bool = False

    def cells(self) -> Iterator[tuple[str, str, list[Run]]]:
        """Every (objective, algorithm) and its runs, in the order of the plan."""
        size = self.plan.repetitions
        for place, (objective, algorithm) in enumerate(self.plan.cells()):
            yield objective.label, algorithm, list(self.runs[place * size : (place + 1) * size])

    def has_test(self, objective: str) -> bool:
        """Whether any test error of an objective is known, or may still become known: one without results yet."""
        errors = self.evaluations.loc[self.evaluations["objective"] == objective, "test_error"]
        return errors.empty or bool(errors.notna().any())

    def endpoint_of(self, objective: str, wanted: str | None = None) -> str:
        """What algorithms are compared by on an objective: the suite's endpoint, or the best there is in its place.

        That is the test error where there is no scale for scores, and without a test set that of validation.

        Args:
            objective: its label.
            wanted: another endpoint than the suite's.
        """
        wanted = wanted or self.plan.endpoint
        if wanted == "score" and self.plan.objective(objective).metric.scale is None:
            wanted = "test_error"
        return "valid_error" if wanted == "test_error" and not self.has_test(objective) else wanted

    @staticmethod
    def configs(rows: pd.DataFrame) -> list[dict[str, Any]]:
        """The configurations of some of the evaluations."""
        return [orjson.loads(text) for text in rows["config"]]

    def curves(self, runs: list[Run], axis: str) -> list[Curve]:
        """The anytime curves of the given runs on one of the `AXES`."""
        names = (AXES[axis], self._selection, "test_error", "counted")
        columns = [self.evaluations[name].to_numpy() for name in names]
        make = _curve_so_far if self.so_far else _curve
        return [make(*(column[run.rows] for column in columns), carried=run.state == "done") for run in runs]

    def incumbent_rows(self, run: Run) -> Array:
        """The incumbent after each of a run's evaluations within the budget: the best so far that is feasible.

        Returns:
            (n,) rows of the evaluations; -1 before the first with a result. An evaluation's own row where errors are
            `so_far`.
        """
        counted = run.rows.start + np.flatnonzero(self.evaluations["counted"].to_numpy()[run.rows])
        errors = self.evaluations[self._selection].to_numpy()[counted]
        places = np.where(np.isfinite(errors), np.arange(len(errors)), -1) if self.so_far else incumbents(errors)
        return np.where(places >= 0, counted[places], -1)

    def final_incumbent(self, run: Run) -> int | None:
        """The row of the evaluations that is the incumbent at the end of a run's record; None where there is none."""
        rows = self.incumbent_rows(run)
        return int(rows[-1]) if len(rows) and rows[-1] >= 0 else None

    @property
    def _selection(self) -> str:
        """The column of the errors that incumbents are chosen by."""
        return SELECTION if SELECTION in self.evaluations else "valid_error"


def load(folder: Path, *, mixed: bool = False) -> Results:
    """Read a suite's plan and all of its ledgers.

    Args:
        folder: `results/<suite>`.
        mixed: take runs of several devices together.

    Raises:
        BadInput: an unreadable plan, a damaged ledger, no ledger at all, runs of several devices, or a pipe
            or a device among the files.
    """
    plan = read_plan(folder)
    results = results_of(folder, plan, _read_all(folder, plan))
    if all(run.state == "missing" for run in results.runs):
        command = shell_command("benchmark", "run", plan.name)
        raise BadInput(f"{folder}: no run is recorded there yet; run the suite first: {command}")
    if not mixed:
        check_same_device(folder, results.environments, plan.clock)
    planned = {(run.objective, run.algorithm, f"{run.repetition:03d}") for run in results.runs}
    return replace(results, unplanned=tuple(unplanned(folder, planned)))


def results_of(folder: Path, plan: Plan, ledgers: Iterable[Ledger]) -> Results:
    """What a plan's ledgers hold, one for every planned run and in the order of the plan.

    Raises:
        BadInput: ledgers of another clock.
    """
    by_label = dict(plan.algorithm_by_label)
    runs: list[Run] = []
    read: list[Ledger] = []
    size = 0
    for (objective, algorithm, repetition), ledger in zip(_places(plan), ledgers, strict=True):
        _check_clock(folder, plan, ledger)
        known = by_label[algorithm]  # What it lacks may depend on the objective's space.
        by_label[algorithm] = replace(
            known, libraries=merged(known.libraries, ledger.libraries), lacks={**known.lacks, **ledger.lacks}
        )
        rows = slice(size, size := size + len(ledger.evaluations["end"]))
        runs.append(
            Run(
                objective=objective.label, algorithm=algorithm, repetition=repetition, state=ledger.state,
                ended=ledger.ended, rows=rows,
            )
        )  # fmt: skip
        read.append(ledger)
    return Results(
        plan=plan,
        runs=tuple(runs),
        evaluations=_frame(plan, runs, read),
        algorithm_by_label=by_label,
        environments=tuple(distinct(card for ledger in read for card in ledger.environments)),
        unplanned=(),
    )


def _places(plan: Plan) -> list[tuple[Objective, str, int]]:
    return [(*cell, repetition) for cell in plan.cells() for repetition in range(plan.repetitions)]


def _read_all(folder: Path, plan: Plan) -> Iterator[Ledger]:
    """Every ledger in the order of the plan; large results are parsed by all cores."""
    size = sum(path.stat().st_size for path in folder.glob("runs/*/*/*.jsonl*"))
    if size < SEVERAL_PROCESSES:
        answers: Iterable[Ledger | BadInput] = (_read(folder, plan, *place) for place in _places(plan))
    else:
        # Absolute: workers that joblib has kept for this process may have begun in another working folder.
        tasks = (delayed(_read)(folder.absolute(), plan, *place) for place in _places(plan))
        answers = Parallel(n_jobs=-1, return_as="generator")(tasks)
    for answer in answers:
        if isinstance(answer, BadInput):
            raise answer
        yield answer
    if size >= SEVERAL_PROCESSES:  # Idle workers would keep 150 MB each for five minutes.
        get_reusable_executor().shutdown(wait=True)


def _read(folder: Path, plan: Plan, objective: Objective, algorithm: str, repetition: int) -> Ledger | BadInput:
    """A run's ledger, or why it is refused: the first of the plan is told, whichever is read first."""

    def check(config: Mapping[str, Any]) -> None:
        try:
            objective.check(config)
        except BadInput as error:
            raise BadInput(f"{folder / SUITE_JSON}: not the plan of the ledgers beside it: {error}") from error

    try:
        return find(folder, objective.label, algorithm, repetition, plan.budget, check, objective.tracked)
    except BadInput as error:
        return error


def _check_clock(folder: Path, plan: Plan, ledger: Ledger) -> None:
    """Refuse to call measured seconds modelled, or the other way round."""
    of_other = f"{folder / SUITE_JSON}: not the plan of the ledgers beside it: clock = {plan.clock!r}"
    if ledger.clock not in (None, plan.clock) and plan.imported is None:
        raise BadInput(f"{of_other}, but they were recorded with {ledger.clock!r}")
    trained = ~np.isin(ledger.evaluations["state"].astype(str), WORTHLESS)
    if plan.clock == "modelled" and np.isnan(ledger.evaluations["modelled_seconds"][trained]).any():
        raise BadInput(f"{of_other}, but they hold evaluations without modelled_seconds")


def _frame(plan: Plan, runs: list[Run], ledgers: list[Ledger]) -> pd.DataFrame:
    """All evaluations."""
    fields = {
        name: np.concatenate([ledger.evaluations[name] for ledger in ledgers]) for name in (*FIELDS, *LATER_FIELDS)
    }
    fields |= tracked_columns(plan.tracked, [ledger.evaluations for ledger in ledgers])
    added = fields["epochs"] - fields["start_epoch"]
    counts = [run.rows.stop - run.rows.start for run in runs]
    frame = pd.DataFrame(_labels(plan, runs, counts) | fields | {"state": pd.Categorical(fields["state"], STATES)})
    frame = _without_test_errors(frame.astype({"config": object}))
    frame["completed"] = np.concatenate([np.arange(1, count + 1) for count in counts])
    frame["cumulative_epochs"] = np.concatenate([np.cumsum(added[run.rows]) for run in runs])
    seconds = {objective.label: plan.seconds(objective.label) for objective in plan.objectives}
    in_time = frame["end"] <= frame["objective"].astype(object).map(seconds).astype(np.float64)
    in_epochs = frame["cumulative_epochs"] <= plan.budget.get("epochs", math.inf)
    candidate = frame["state"] != PRUNED
    return with_feasibility(frame.assign(counted=in_time & in_epochs & candidate), plan)


def _without_test_errors(frame: pd.DataFrame) -> pd.DataFrame:
    """Blank the test errors of objectives that have no test set, also of what diverged or crashed there."""
    trained = frame[frame["state"] == "ok"]
    known = trained["test_error"].notna().groupby(trained["objective"], observed=True).any()
    blank = frame["objective"].isin(known.index[~known])
    return frame.assign(test_error=frame["test_error"].mask(blank)) if blank.any() else frame


def _labels(plan: Plan, runs: list[Run], counts: list[int]) -> dict[str, Any]:
    """What every evaluation of a run has in common; names are categories, in the order of the plan, to save memory."""

    def repeated(names: list[str], categories: Iterable[str]) -> pd.Categorical:
        return pd.Categorical(np.repeat(np.array(names, dtype=object), counts), categories=list(categories))

    return {
        "objective": repeated([run.objective for run in runs], [objective.label for objective in plan.objectives]),
        "algorithm": repeated([run.algorithm for run in runs], plan.algorithms),
        "repetition": np.repeat([run.repetition for run in runs], counts),
        "run_state": repeated([run.state for run in runs], SUFFIXES.values()),
    }


def _curve(t: Array, valid: Array, test: Array, counted: Array, *, carried: bool) -> Curve:
    return curve(t[counted].astype(np.float64), valid[counted], test[counted], carried=carried)


def _curve_so_far(t: Array, valid: Array, test: Array, counted: Array, *, carried: bool) -> Curve:
    defined = np.isfinite(valid[counted])
    valid, test = (np.where(defined, errors[counted], np.nan) for errors in (valid, test))
    return Curve(t=t[counted].astype(np.float64), valid=valid, test=test, carried=carried)
