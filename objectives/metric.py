"""Metrics: the named outcomes of a trial, each with its direction, unit and scale."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields, replace
from typing import Any

from objectives.hyperparameter_name import check_spelling

GOALS = ("min", "max")
LONGEST_NAME = 64
LONGEST_UNIT = 32
FORMULAS = ("=", "+", "-", "@")
"""What no unit begins with, for it stands in CSV files that people open in spreadsheets."""

TRAIN_SECONDS, INFERENCE_SECONDS = "train_seconds", "inference_seconds"
"""Offered metrics that a clock answers for: modelled where it is, measured where not."""

OVERRIDABLE = ("reference", "best", "unit", "typical")
"""What a suite may say anew of a metric that an objective has already."""

USUALLY_GREATER = (
    *("acc", "accuracy", "ap", "auc", "auroc", "bleu", "dice", "f1", "iou", "map", "ndcg", "precision", "r2", "recall"),
    *("return", "reward", "score", "throughput"),
)
"""Words in the names of metrics that are better the greater they are."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A named outcome of a trial, in its own direction and unit.

    Attributes:
        name: spelled as a hyperparameter's name.
        goal: "min" or "max".
        unit: what is shown after its values; "" without one.
        best: the best value that there can be, or None.
        chance: the value of knowing nothing, which a trial that diverged is worth, or None. With `best` it fixes the
            scale of anytime scores.
        reference: the reference value of hypervolumes, or None.
        typical: the value of a typical configuration, the median of one drawn at random, or None. It is fixed with the
            objective, never derived from results; with `best` it fixes the scale of normalised regrets.
        measured: whether it does not come out the same again, as a time that is measured; no check expects it to.

    Raises:
        ValueError: naming the attribute and what is allowed.
    """

    name: str
    _: KW_ONLY
    goal: str = "min"
    unit: str = ""
    best: float | None = None
    chance: float | None = None
    reference: float | None = None
    measured: bool = False
    typical: float | None = None

    def __post_init__(self) -> None:
        check_spelling("metric", self.name)
        if len(self.name) > LONGEST_NAME:
            raise ValueError(f"metric name of {len(self.name)} characters: at most {LONGEST_NAME} are allowed")
        if self.goal not in GOALS:
            raise ValueError(f'{self.name}: goal = {self.goal!r}: need "min" or "max"')
        if not isinstance(self.unit, str) or len(self.unit) > LONGEST_UNIT or not self.unit.isprintable():
            raise ValueError(f"{self.name}: unit = {self.unit!r}: need at most {LONGEST_UNIT} printable characters")
        if self.unit.startswith(FORMULAS):
            raise ValueError(
                f"{self.name}: unit = {self.unit!r}: formulas of spreadsheets begin so; put it in brackets"
            )
        if not isinstance(self.measured, bool):
            raise ValueError(f"{self.name}: measured = {self.measured!r}: need true or false")
        for field in ("best", "chance", "reference", "typical"):
            value = getattr(self, field)
            if value is not None and not _is_finite(value):
                raise ValueError(f"{self.name}: {field} = {value!r}: need a finite number")
        for field in ("chance", "reference", "typical"):
            self._check_worse_than_best(field, getattr(self, field))

    def _check_worse_than_best(self, field: str, value: float | None) -> None:
        if self.best is None or value is None or self.to_error(self.best) < self.to_error(value):
            return
        worse = "above" if self.goal == "min" else "below"
        raise ValueError(f"{self.name}: {field} = {value!r}: need a number {worse} best = {self.best!r}")

    def to_error(self, value: float) -> float:
        """Turn a value into something to minimise: itself, or its negative where greater is better."""
        return value if self.goal == "min" else 0.0 - value

    def from_error(self, error: float) -> float:
        """Turn an error back into a value; the opposite of `to_error`."""
        return self.to_error(error)

    @property
    def chance_error(self) -> float | None:
        """The chance value as something to minimise, or None."""
        return None if self.chance is None else self.to_error(self.chance)

    @property
    def best_error(self) -> float | None:
        """The best value as something to minimise, or None."""
        return None if self.best is None else self.to_error(self.best)

    @property
    def better(self) -> str:
        """Which values are better, in words."""
        return "lower is better" if self.goal == "min" else "higher is better"

    def describe(self) -> dict[str, Any]:
        """Describe the metric in JSON."""
        described: dict[str, Any] = {"name": self.name, "goal": self.goal, "unit": self.unit}
        described |= {"best": self.best, "chance": self.chance, "reference": self.reference}
        described |= {} if self.typical is None else {"typical": self.typical}
        return {**described, "measured": True} if self.measured else described


def is_classic(metrics: Sequence[Metric]) -> bool:
    """Whether these are the one error that objectives have which declare nothing else."""
    (first, *others) = metrics
    declared = first.name, first.goal, first.unit, first.reference, first.typical
    return not others and declared == ("error", "min", "", None, None)


def check_metrics(metrics: object) -> tuple[Metric, ...]:
    """Check an objective's metrics.

    Raises:
        ValueError: there are none, something else than metrics among them, or two of a name.
    """
    listed = metrics if isinstance(metrics, tuple | list) else ()
    if not listed or not all(isinstance(metric, Metric) for metric in listed):
        raise ValueError(f"metrics = {metrics!r}: need a tuple of one or more objectives.metric.Metric")
    names = [metric.name for metric in listed]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"metrics: {twice!r} is there twice")
    return tuple(listed)


def as_metrics(declared: Any) -> tuple[Metric, ...]:
    """Make metrics of what a suite or a call declares.

    Args:
        declared: a list of names, tables with a name, or metrics; or a mapping from names to tables without one. A
            table has the attributes of a `Metric`; where it has no goal, the name says what is usual.

    Raises:
        ValueError: it is none of these, or makes no sense; the message names the metric.
    """
    return check_metrics(tuple(map(_as_metric, _listed(declared))))


def as_overrides(declared: Any) -> dict[str, dict[str, Any]]:
    """Return what a suite says of metrics that an objective has already: by name, what it changes of each.

    Args:
        declared: as `as_metrics` takes it; a table may say `reference`, `best`, `typical` and `unit`, and repeat
            the goal.

    Raises:
        ValueError: it is none of these, or a name is there twice; the message names the metric.
    """
    tables = [_as_table(one, ("name", "goal", *OVERRIDABLE)) for one in _listed(declared)]
    names = [table["name"] for table in tables]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None or not names:
        raise ValueError(f"metrics: {twice!r} is there twice" if names else "metrics: need one at least")
    return {table["name"]: {key: value for key, value in table.items() if key != "name"} for table in tables}


def override(metric: Metric, changes: Mapping[str, Any]) -> Metric:
    """Return a metric with another reference, best or typical value, or unit.

    Raises:
        ValueError: another goal, or values that make no sense.
    """
    if changes.get("goal", metric.goal) != metric.goal:
        raise ValueError(f'metrics.{metric.name}.goal = {changes["goal"]!r}: it is "{metric.goal}"; leave it out')
    try:
        return replace(metric, **changes)
    except ValueError as error:
        raise ValueError(f"metrics.{error}") from error


def _listed(declared: Any) -> Sequence[Any]:
    """A list of names, tables and metrics, of whatever a suite or a call declares."""
    if isinstance(declared, Mapping):
        for name, table in declared.items():
            if not isinstance(table, Mapping):
                raise ValueError(f"metrics.{name} = {table!r}: need a table, of goal and unit for example")
        declared = [{**table, "name": name} for name, table in declared.items()]
    if isinstance(declared, str) or not isinstance(declared, list | tuple):
        raise ValueError(f"metrics = {declared!r}: need a list of names, or a table of tables by name")
    return declared


def _as_table(declared: Any, allowed: Sequence[str]) -> Mapping[str, Any]:
    table = {"name": declared} if isinstance(declared, str) else declared
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise ValueError(f"metrics: {declared!r}: need a name, or a table with a name")
    for key in table:
        if key not in allowed:
            close = difflib.get_close_matches(str(key), allowed, n=1, cutoff=0.5)
            hint = f' (did you mean "{close[0]}"?)' if close else ""
            raise ValueError(f"metrics.{table['name']}.{key}: unknown key, allowed are {', '.join(allowed[1:])}{hint}")
    return table


def _as_metric(declared: Any) -> Metric:
    if isinstance(declared, Metric):
        return declared
    table = _as_table(declared, [field.name for field in fields(Metric)])
    try:
        return Metric(**{"goal": usual_goal(table["name"]), **table})
    except ValueError as error:
        raise ValueError(f"metrics.{error}") from error


def usual_goal(name: str) -> str:
    """The goal of a metric that is declared by its name alone: "max" for an accuracy, a reward and the like."""
    words = name.lower().replace("-", "_").replace(".", "_").split("_")
    negated = {"neg", "negative", "error", "loss"} & set(words)
    return "max" if set(USUALLY_GREATER) & set(words) and not negated else "min"


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
