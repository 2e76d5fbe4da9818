"""The plan of a suite, as its `suite.json` declares it: what should have run, and in which order to show it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.imported import Imported, read_imported
from analysis.loading.algorithms import Algorithm, declared_algorithm
from analysis.loading.constraint import Constraint, read_constraints
from analysis.loading.machines import Calibration, read_calibration
from analysis.loading.metric import Metric, Origin, read_error, read_metrics, read_origin
from analysis.loading.space import Hyperparameter, read_space
from benchmark.errors import BadInput, is_finite, nearest_match, require_choice, require_value, short_repr
from benchmark.storage.suite_json import ENDPOINTS, SUITE_JSON, display_names, entries_by_label, read_suite_json

LONGEST_TEXT = 300
BUDGETS = ("trials", "evaluations", "epochs", "runtime", "trainings")
IN_SECONDS = ("runtime", "trainings")
HORIZONS = {**dict.fromkeys(IN_SECONDS, "runtime"), "epochs": "epochs", "evaluations": "trials", "trials": "trials"}
"""Limits of a budget, the first to be there being the horizon, and the axis that each one lies on."""
LEARNING_RATES = ("learning_rate", "lr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A planned objective: its label, space and, where it has one, its default configuration.

    Attributes:
        label: what tables and figures call it.
        key: its label in the suite, in which the names of folders and files are.
        display_name: what figures, reports and papers call it.
        metrics: what a trial yields; the first is what algorithms see, as an error.
        constraints: what a trial has to meet to be an incumbent, or a member of a front.
        typical_seconds: of a full training, in which a budget of trainings is counted; None where there is none.
        origin: the offline table that its trainings are of; None where they are trained.
    """

    label: str
    key: str
    display_name: str
    space: tuple[Hyperparameter, ...]
    default: Mapping[str, Any] | None
    metrics: tuple[Metric, ...]
    constraints: tuple[Constraint, ...] = ()
    typical_seconds: float | None = None
    origin: Origin | None = None

    @property
    def metric(self) -> Metric:
        """The first metric, which all tables and figures are of."""
        return self.metrics[0]

    @property
    def optimised(self) -> tuple[Metric, ...]:
        """The metrics of its fronts: the first, and every further one with a reference.

        The first one's reference is its chance value where it declares none; without either it is the only one.
        """
        first, *others = self.metrics
        reference = first.chance if first.reference is None else first.reference
        further = () if reference is None else (metric for metric in others if metric.reference is not None)
        return (replace(first, reference=reference), *further)

    @property
    def is_multi_objective(self) -> bool:
        """Whether several metrics are optimised at once."""
        return len(self.optimised) > 1

    @property
    def tracked(self) -> tuple[str, ...]:
        """The further metrics of every evaluation that fronts and constraints need."""
        constrained = {constraint.metric for constraint in self.constraints}
        names = (metric.name for metric in self.metrics[1:])
        return tuple(name for name in names if self.is_multi_objective or name in constrained)

    @property
    def learning_rate(self) -> Hyperparameter | None:
        """The hyperparameter that is the learning rate, by its name."""
        return next(
            (axis for axis in self.space if axis.name in LEARNING_RATES and axis.kind in ("float", "ordinal")), None
        )

    def check(self, config: Mapping[str, Any]) -> None:
        """Refuse a configuration of another space."""
        for axis in self.space:
            there = axis.name in config
            if there != axis.counts(config) or (there and not axis.allows(config[axis.name])):
                given = f"{config[axis.name]!r}" if there else "nothing"
                raise BadInput(f"configuration of {self.label}: {axis.name} = {given} is not in the planned space")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A suite: objectives x algorithms x repetitions, in display order.

    Attributes:
        clock: what the runtime axis means, one of `suite_json.CLOCKS`.
        calibration: what evaluations are priced by; None under the modelled clock where the objectives, such as
            closed forms, state their own seconds.
        budget: limits of a run by name, those that are set; runtime in seconds.
        endpoint: what algorithms are compared by, one of `suite_json.ENDPOINTS`, declared before the runs.
        control: the algorithm that the others are held against.
        display_names: what figures, reports and papers call each algorithm.
        targets: errors by objective that the suite asks the time to; of what is maximised they are the negatives.
        imported: what is known of studies that other tools recorded; None of a suite that was run here.
    """

    name: str
    title: str
    repetitions: int
    clock: str
    calibration: Calibration | None
    budget: Mapping[str, float]
    objectives: tuple[Objective, ...]
    algorithms: tuple[str, ...]
    algorithm_by_label: Mapping[str, Algorithm]
    endpoint: str
    control: str
    targets: Mapping[str, tuple[float, ...]]
    display_names: Mapping[str, str]
    imported: Imported | None = None

    @property
    def paired(self) -> bool:
        """Whether the same repetition of two algorithms is a pair; it is, where algorithms met the same noise in it."""
        return self.imported is None or self.imported.paired

    @property
    def axis(self) -> str:
        """The axis that the budget is declared on."""
        return next(axis for name, axis in HORIZONS.items() if name in self.budget)

    def horizon(self, label: str) -> float:
        """Where the budget ends on its axis, on the objective of a label."""
        name = next(name for name in HORIZONS if name in self.budget)
        return self.seconds(label) if name in IN_SECONDS else float(self.budget[name])

    def seconds(self, label: str) -> float:
        """The seconds after which the budget ends on the objective of a label; infinite where it is none of seconds."""
        ends = [float(self.budget["runtime"])] if "runtime" in self.budget else []
        if "trainings" in self.budget:
            typical = self.objective(label).typical_seconds
            assert typical is not None, "a plan without it is refused"
            ends.append(self.budget["trainings"] * typical)
        return min(ends, default=math.inf)

    @property
    def declares_metrics(self) -> bool:
        """Whether some objective declares what it yields; else all of them yield errors."""
        return any(objective.metric.declared for objective in self.objectives)

    @property
    def tracked(self) -> tuple[str, ...]:
        """The further metrics that some objective tracks, each once; none in most suites."""
        return tuple(dict.fromkeys(name for objective in self.objectives for name in objective.tracked))

    @property
    def metric_name(self) -> str:
        """What to call the first metric of any objective: its name, if it is that of all."""
        names = {objective.metric.name for objective in self.objectives}
        return names.pop() if len(names) == 1 else "metric"

    @property
    def endpoint_text(self) -> str:
        """The endpoint in words: `test error`, `valid accuracy`, `score`."""
        return self.endpoint.replace("_error", f" {self.metric_name}")

    def objective(self, label: str) -> Objective:
        """The objective of a label."""
        return next(objective for objective in self.objectives if objective.label == label)

    def cells(self) -> Iterator[tuple[Objective, str]]:
        """Every (objective, algorithm), in display order."""
        return ((objective, algorithm) for objective in self.objectives for algorithm in self.algorithms)


def read_plan(folder: Path) -> Plan:
    """Read `suite.json` in a suite's folder.

    Raises:
        BadInput: no such file, no JSON, an unknown format, or a value that is not allowed.
    """
    _, declared = read_suite_json(folder)
    try:
        return _plan(declared)
    except BadInput as error:
        raise BadInput(f"{folder / SUITE_JSON}: {_brief(str(error))}") from error


def _brief(message: str) -> str:
    """A message of one screen, whatever value it shows."""
    return message if len(message) <= 1000 else f"{message[:700]} ... {message[-200:]}"


def _plan(declared: Mapping[str, Any]) -> Plan:
    clock, calibration = str(declared["clock"]), read_calibration(declared.get("calibration"))
    algorithms, workers = entries_by_label(declared, "algorithms"), declared.get("n_workers", 1)
    by_label = {label: declared_algorithm(label, entry, workers) for label, entry in algorithms.items()}
    entries = entries_by_label(declared, "objectives")
    names = display_names("objectives", entries)
    budget = _budget(require_value(declared, "budget", dict))
    timed = "trainings" in budget
    imported = read_imported(declared, tuple(algorithms))
    objectives = tuple(
        _objective(label, names[label], entry, timed=timed, imported=imported is not None)
        for label, entry in entries.items()
    )
    return Plan(
        name=declared["name"],
        title=_title(require_value(declared, "title", str)),
        repetitions=declared["repetitions"],
        clock=clock,
        calibration=calibration,
        budget=budget,
        objectives=objectives,
        algorithms=tuple(algorithms),
        algorithm_by_label=by_label,
        endpoint=_endpoint(declared.get("endpoint")),
        control=_control(declared.get("control"), by_label),
        targets=_targets(declared.get("targets"), {objective.label: objective.metric for objective in objectives}),
        display_names=display_names("algorithms", algorithms),
        imported=imported,
    )


def _title(title: str) -> str:
    if len(title) > LONGEST_TEXT:
        raise BadInput(f"title = {title!r}: need a text of at most {LONGEST_TEXT} characters")
    return title


def _budget(table: Mapping[str, Any]) -> dict[str, float]:
    limits = {name: table[name] for name in BUDGETS if table.get(name) is not None}
    for name, limit in limits.items():
        if not is_finite(limit) or not limit > 0:
            raise BadInput(f"budget.{name} = {limit!r}: need a number > 0")
    if not limits:
        raise BadInput(f"budget = {dict(table)!r}: need at least one of {', '.join(BUDGETS)}")
    return limits


def _endpoint(name: Any) -> str:
    return ENDPOINTS[0] if name is None else require_choice("endpoint", name, ENDPOINTS)  # None: older ledgers.


def _control(label: Any, by_label: Mapping[str, Algorithm]) -> str:
    """The declared control; else the first plain random search, else the first algorithm."""
    if label is None:
        plain = (name for name, algorithm in by_label.items() if algorithm.is_random_search)
        return next(plain, next(iter(by_label)))
    if not isinstance(label, str) or label not in by_label:
        raise BadInput(f"control = {label!r}: no such algorithm{nearest_match(str(label)[:LONGEST_TEXT], by_label)}")
    return str(label)


def _targets(table: Any, metrics: Mapping[str, Metric]) -> dict[str, tuple[float, ...]]:
    """The declared targets, which are in each metric's own direction and unit, as errors."""
    if table is None:  # Most suites declare none.
        return {}
    if not isinstance(table, dict):
        raise BadInput(f"targets = {table!r}: need a table of lists of errors by objective")
    for label, errors in table.items():
        if label not in metrics:
            raise BadInput(f"targets.{label}: no such objective{nearest_match(label, metrics)}")
        if not isinstance(errors, list) or not all(map(is_finite, errors)):
            raise BadInput(f"targets.{label} = {errors!r}: need a list of finite errors")
    return {label: tuple(metrics[label].own(float(error)) for error in errors) for label, errors in table.items()}


def _objective(label: str, name: str, entry: dict[str, Any], *, timed: bool, imported: bool) -> Objective:
    unknown = imported and entry.get("space") is None  # What other tools do not record is not made up.
    space = () if unknown else read_space(label, require_value(entry, "space", dict), any_name=imported)
    default = None if entry.get("default") is None else require_value(entry, "default", dict)
    metrics = (read_error(label, entry),) if entry.get("metrics") is None else read_metrics(label, entry["metrics"])
    constraints = read_constraints(label, entry.get("constraints"), metrics)
    objective = Objective(
        label=label,
        key=label,
        display_name=name,
        space=space,
        default=default,
        metrics=metrics,
        constraints=constraints,
        typical_seconds=_typical_seconds(label, entry.get("typical_seconds")) if timed else None,
        origin=read_origin(label, entry.get("origin")),
    )
    if default is not None:
        objective.check(default)
    return objective


def _typical_seconds(label: str, given: Any) -> float:
    if not is_finite(given) or not given > 0:
        raise BadInput(f"typical_seconds of {label} = {short_repr(given)}: budget.trainings needs a number > 0")
    return float(given)
