"""Journal files of Optuna, one an objective, with a study for every run.

`OBJECTIVE.log` holds the runs that have a ledger as studies named `ALGORITHM/REPETITION`. A trial's value is the least
validation error among its evaluations within the budget, so that a study's best value is the run's final incumbent;
of a metric that is maximised it is the greatest value, and the study maximises. Of ties Optuna takes the trial that
began first, the suite the one completed first, whose errors are attributes of the study. Intermediate values are the
validation errors by epochs trained. States: COMPLETE; FAIL where no evaluation gave a result; PRUNED where all came
after the end of the budget. Times are the suite's clock, counted from 2000-01-01 UTC. The test error of the best
evaluation is a user attribute, and no value: nothing was selected by it.

Where several metrics are optimised a study has all of their directions, its attribute `metrics` names them, and a
trial's values are those of its last evaluation within the budget, on validation. Constraints are where Optuna's own
samplers keep them: by how much a trial lies beyond each bound, so that Optuna's best trials are feasible ones.

A journal and not SQLite: Optuna writes 300 trials in 0.1 s instead of 6 s, and the same bytes every time.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages.journal import BaseJournalBackend

from analysis.loading.metric import Metric
from analysis.loading.metric_values import VALID, VIOLATION
from analysis.loading.plan import Objective
from analysis.loading.results import Run
from analysis.loading.space import Hyperparameter
from analysis.study import Study
from benchmark.errors import BadInput

OPEN = "look at it: optuna-dashboard {folder}/OBJECTIVE.log, or drop the file on optuna.github.io/optuna-dashboard"
START = datetime(2000, 1, 1, tzinfo=UTC)
LARGEST = sys.float_info.max
COLUMNS = ("trial", "state", "epochs", "valid_error", "test_error", "start", "end", "counted")
"""What of every evaluation a trial is made of."""
PLAIN = (type(None), bool, int, float, str)
"""What Optuna takes for a choice; others are exported as JSON."""

Evaluation = Mapping[str, Any]


class _Copy(BaseJournalBackend):  # type: ignore[misc]  # Optuna is optional, hence untyped here
    """A run's journal in memory, and a copy in a file that leaves out what differs from time to time.

    Optuna numbers studies from 0 in every journal and signs each line with a random worker; the copy is one of many
    in a file, and unsigned. So the memory of one run is all it takes to write any number of them.
    """

    def __init__(self, file: IO[str], study: int) -> None:
        self._file, self._study, self._logs = file, study, list[dict[str, Any]]()

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        yield from self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        for log in logs:
            line = log | {"worker_id": "export"} | ({"study_id": self._study} if "study_id" in log else {})
            self._file.write(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n")
        self._logs.extend(logs)


def write(study: Study, folder: Path) -> list[str]:
    """Write a journal for every objective; returns what a reader must know."""
    results = study.results
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for objective in results.plan.objectives:
        runs = [run for run in results.runs if run.objective == objective.label and run.state != "missing"]
        with (folder / f"{objective.label}.log").open("w", encoding="utf-8", newline="\n") as file:
            for number, run in enumerate(runs):
                _write_run(study, objective, run, _Copy(file, number))
    told = []
    for state in ("missing", "partial", "failed"):
        count = sum(run.state == state for run in results.runs)
        if count:
            what = "has no study" if state == "missing" else f'has the user attribute "state": "{state}"'
            told.append(f"{count} of {len(results.runs)} runs {state}: {what}")
    return told


def _write_run(study: Study, objective: Objective, run: Run, journal: _Copy) -> None:
    storage, metric = optuna.storages.JournalStorage(journal), objective.metric
    directions = ["maximize" if wanted.maximised else "minimize" for wanted in objective.optimised]
    written = optuna.create_study(
        storage=storage, study_name=f"{run.algorithm}/{run.repetition:03d}", directions=directions
    )
    attributes = {
        "suite": study.results.plan.name,
        "objective": run.objective,
        "algorithm": run.algorithm,
        "repetition": run.repetition,
        "state": run.state,
    } | ({"metric": metric.name, "unit": metric.unit} if metric.declared else {})
    if objective.is_multi_objective:
        attributes |= {"metrics": [wanted.name for wanted in objective.optimised]}
    [curve] = study.results.curves([run], "trials")
    if len(curve.t) and not math.isnan(curve.valid[-1]):
        attributes |= {"valid_error": metric.own(float(curve.valid[-1]))}
        attributes |= _test_error(metric, float(curve.test[-1]))
    for name, value in attributes.items():
        written.set_user_attr(name, value)
    for trial in _trials(study, objective, run):
        written.add_trial(trial)


def _test_error(metric: Metric, error: float) -> dict[str, float]:
    """The attribute for a test error; none where it is not known."""
    return {} if math.isnan(error) else {"test_error": metric.own(error)}


def _trials(study: Study, objective: Objective, run: Run) -> Iterator[optuna.trial.FrozenTrial]:
    rows = study.results.evaluations.iloc[run.rows]
    tracked = [f"{VALID}{metric.name}" for metric in objective.optimised[1:]]
    tracked += [f"{VALID}{bound.metric}" for bound in objective.constraints if bound.metric != objective.metric.name]
    names = [*COLUMNS, *dict.fromkeys(tracked), *([VIOLATION] if objective.constraints else [])]
    columns = [rows[name].astype(object).tolist() for name in names]  # Frames of a few rows cost a thousand times more.
    configs = study.results.configs(rows)
    by_trial: dict[int, list[Evaluation]] = {}
    first: dict[int, Mapping[str, Any]] = {}
    for config, *values in zip(configs, *columns, strict=True):
        evaluation = dict(zip(names, values, strict=True))
        by_trial.setdefault(evaluation["trial"], []).append(evaluation)
        first.setdefault(evaluation["trial"], config)
    for number, evaluations in sorted(by_trial.items()):
        yield _trial(objective, number, evaluations, first[number])


def _trial(
    objective: Objective, number: int, evaluations: Sequence[Evaluation], config: Mapping[str, Any]
) -> optuna.trial.FrozenTrial:
    usable = _usable(objective, evaluations)
    counted = [evaluation for evaluation in usable if evaluation["counted"]]
    best = _of_value(objective, counted) if counted else None
    states, metric = optuna.trial.TrialState, objective.metric
    state = states.COMPLETE if best is not None else states.PRUNED if usable else states.FAIL
    axes = [axis for axis in objective.space if axis.name in config]
    known = [axis.name for axis in axes]
    attributes = {
        "trial": number,
        "states": [evaluation["state"] for evaluation in evaluations],
        "epochs": max(evaluation["epochs"] for evaluation in evaluations),
    }
    if best is not None:
        attributes |= {**_test_error(metric, best["test_error"]), "best_epochs": best["epochs"]}
    trial = optuna.trial.create_trial(
        state=state,
        values=None if best is None else [_value(objective, wanted, best) for wanted in objective.optimised],
        system_attrs={} if best is None or not objective.constraints else {"constraints": _violations(objective, best)},
        params={axis.name: _choice(config[axis.name]) for axis in axes},
        distributions={axis.name: _distribution(objective, axis, config[axis.name]) for axis in axes},
        user_attrs=attributes | {name: value for name, value in config.items() if name not in known},
        intermediate_values={
            evaluation["epochs"]: metric.own(evaluation["valid_error"])
            for evaluation in usable
            if not objective.is_multi_objective  # Optuna has none there.
        },
    )
    trial.datetime_start = _time(evaluation["start"] for evaluation in evaluations)
    trial.datetime_complete = _time([max(evaluation["end"] for evaluation in evaluations)])
    return trial


def _usable(objective: Objective, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The evaluations that gave a result: every metric that is optimised."""
    others = [f"{VALID}{metric.name}" for metric in objective.optimised[1:]]
    return [
        evaluation
        for evaluation in evaluations
        if evaluation["valid_error"] < math.inf and not any(math.isnan(evaluation[name]) for name in others)
    ]


def _of_value(objective: Objective, counted: Sequence[Evaluation]) -> Evaluation:
    """Which of a trial's evaluations its value is of: the last of several metrics, else the best one."""
    if objective.is_multi_objective:
        return counted[-1]
    return min(counted, key=lambda evaluation: (evaluation.get(VIOLATION, 0.0), evaluation["valid_error"]))


def _value(objective: Objective, metric: Metric, evaluation: Evaluation) -> float:
    """What an evaluation gave of a metric, in its own direction."""
    if metric.name == objective.metric.name:
        return metric.own(float(evaluation["valid_error"]))
    return float(evaluation[f"{VALID}{metric.name}"])


def _violations(objective: Objective, evaluation: Evaluation) -> list[float]:
    """By how much an evaluation lies beyond each constraint; what was not measured lies as far as numbers go."""
    metrics = {metric.name: metric for metric in objective.metrics}
    values = (_value(objective, metrics[bound.metric], evaluation) for bound in objective.constraints)
    beyond = (
        float(bound.violations(np.array(value))) for bound, value in zip(objective.constraints, values, strict=True)
    )
    return [LARGEST if math.isnan(value) else min(value, LARGEST) for value in beyond]


def _distribution(objective: Objective, axis: Hyperparameter, value: Any) -> optuna.distributions.BaseDistribution:
    """The axis, as wide as it must be for a value that an algorithm proposed outside of its bounds."""
    if axis.choices:
        return CategoricalDistribution([_choice(choice) for choice in axis.choices])
    low, high = min(axis.low, value), max(axis.high, value)
    if axis.log and not low > 0:
        raise BadInput(f"{objective.label}: {axis.name} = {value!r} is not on its logarithmic scale")
    if axis.kind == "int":
        return IntDistribution(math.floor(low), math.ceil(high), log=axis.log)
    return FloatDistribution(low, high, log=axis.log)


def _choice(value: Any) -> Any:
    return value if isinstance(value, PLAIN) else json.dumps(value, separators=(",", ":"))


def _time(seconds: Iterable[float]) -> datetime | None:
    """The moment of the least of some readings of the clock; None where that of another tool was not recorded."""
    least = min(seconds)
    return None if math.isnan(least) else START + timedelta(seconds=least)
