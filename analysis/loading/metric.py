"""The metrics that an objective declares, and how values of the first one are named and turned for a reader.

Inside of the analysis the first metric is an error, that is, less is better: of a metric that is maximised it is the
negative. What is written or drawn has the metric's own direction and unit, and its name in the place of "error".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from analysis.statistics.anytime import Array
from analysis.value_format import number_text
from benchmark.errors import BadInput, is_finite, require_choice, require_value, short_repr

GOALS = ("min", "max")
LONGEST_NAME, LONGEST_UNIT = 64, 32
FORMULAS = ("=", "+", "-", "@")
"""What no name or unit begins with, for it stands in CSV files that people open in spreadsheets."""
OTHER_SEEDS = "other_seeds"
"""A test value is the mean of the other seeds' values of the same training."""
FRONT = "front"
KINDS = {"valid": "validation", "test": "test"}
"""What data a value was taken on, and the word for it."""

Numbers = TypeVar("Numbers", float, Array, pd.Series, pd.DataFrame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A named outcome of a trial; by default the classification error that objectives have without declaring any.

    Attributes:
        goal: "min" or "max".
        unit: may be empty.
        best: the best value that there can be, in the metric's own direction and unit; None where none is declared.
        chance: likewise that of knowing nothing.
        typical: likewise that of a typical configuration, with which a normalised regret is 1.
        reference: likewise the worst value that counts in a hypervolume; a further metric that has one is optimised.
        declared: whether the suite's plan names it.
        selected: what validation selects, and the test values are those of: "incumbent", or `FRONT` of a hypervolume.
    """

    name: str = "error"
    goal: str = "min"
    unit: str = ""
    best: float | None = None
    chance: float | None = None
    reference: float | None = None
    typical: float | None = None
    declared: bool = False
    selected: str = "incumbent"

    @property
    def maximised(self) -> bool:
        return self.goal == "max"

    @property
    def is_error(self) -> bool:
        """Whether everybody knows that less of it is better."""
        return self.name == "error" and not self.maximised

    def own(self, values: Numbers) -> Numbers:
        """Turn errors into values of the metric, or the other way round; zero has no sign."""
        return 0.0 - values if self.maximised else values

    def text(self, error: float) -> str:
        """Write an error as a value of the metric, with its unit."""
        return f"{number_text(self.own(error))} {self.unit}".rstrip()

    def title(self, kind: str) -> str:
        """Name the metric on some data: `validation accuracy`."""
        return f"{KINDS[kind]} {self.name}"

    @property
    def scale(self) -> tuple[float, float] | None:
        """The errors that the best value and chance are, between which scores lie; None unless both are declared."""
        if self.best is None or self.chance is None:
            return None
        return self.own(self.best), self.own(self.chance)

    @property
    def direction(self) -> str:
        """What is better, as a remark behind a name; nothing for an error."""
        return "" if self.is_error else f" ({'higher' if self.maximised else 'lower'} is better)"

    @property
    def in_unit(self) -> str:
        """The unit as a remark behind a name."""
        return f" [{self.unit}]" if self.unit else ""

    def label(self, kind: str, of: str = "") -> str:
        """Label an axis: `validation accuracy of the incumbent (higher is better) [%]`."""
        return f"{self.title(kind)}{of}{self.direction}{self.in_unit}"


def read_metrics(label: str, given: Any) -> tuple[Metric, ...]:
    """Read the metrics of an objective from its entry in `suite.json`.

    Raises:
        BadInput: no such list, or a value that is not allowed.
    """
    names = [one.get("name") if isinstance(one, dict) else None for one in given] if isinstance(given, list) else []
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise BadInput(f"metrics of {label} = {short_repr(given)}: need a list of tables with distinct names")
    return tuple(_metric(f"metrics of {label}", one) for one in given)


def read_error(label: str, entry: Mapping[str, Any]) -> Metric:
    """Read the error of an objective that declares no metrics; plans from before the least one was written mean 0.

    Raises:
        BadInput: values that are no scale.
    """
    given = {"best_error": 0.0, **entry}
    best, chance = (
        None if given.get(name, 0.0) is None else require_value(given, name, float | int)
        for name in ("best_error", "chance_error")
    )
    known = [value for value in (best, chance) if value is not None]
    if not all(map(is_finite, known)) or (len(known) == 2 and not known[0] < known[1]):
        raise BadInput(
            f"best_error = {best} and chance_error = {chance} of {label}: need finite numbers, best below chance"
        )
    return Metric(best=None if best is None else float(best), chance=None if chance is None else float(chance))


def _metric(field: str, given: Mapping[str, Any]) -> Metric:
    name, unit = given["name"], given.get("unit") or ""
    for key, text, least, most in (("name", name, 1, LONGEST_NAME), ("unit", unit, 0, LONGEST_UNIT)):
        if not isinstance(text, str) or not least <= len(text) <= most or not text.isprintable():
            raise BadInput(f"{field}: {key} = {short_repr(text)}: need {least} to {most} printable characters")
        if text.startswith(FORMULAS):
            raise BadInput(
                f"{field}: {key} = {short_repr(text)}: formulas of spreadsheets begin so; put it in brackets"
            )
    metric = Metric(
        name=name,
        goal=require_choice(f"{field}: {name}.goal", given.get("goal"), GOALS),
        unit=unit,
        best=_number(f"{field}: {name}.best", given.get("best")),
        chance=_number(f"{field}: {name}.chance", given.get("chance")),
        reference=_number(f"{field}: {name}.reference", given.get("reference")),
        typical=_number(f"{field}: {name}.typical", given.get("typical")),
        declared=True,
    )
    side = "above" if metric.maximised else "below"
    for word, value in (("chance", metric.chance), ("reference", metric.reference), ("typical", metric.typical)):
        if metric.best is not None and value is not None and not metric.own(metric.best) < metric.own(value):
            raise BadInput(f"{field}: {name}: best = {metric.best} and {word} = {value}: need best {side} {word}")
    return metric


def _number(field: str, value: Any) -> float | None:
    if value is not None and not is_finite(value):
        raise BadInput(f"{field} = {short_repr(value)}: need a finite number, or null")
    return None if value is None else float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """An offline table.

    Attributes:
        table: its name.
        seeds: under how many each configuration was trained; repetition r of a run meets seed r modulo that.
        test: where its test values come from: "test", `OTHER_SEEDS`, or "none".
    """

    table: str
    seeds: int
    test: str


def read_origin(label: str, entry: Any) -> Origin | None:
    """Read the entry `origin` of an objective in a plan; None where its trainings are of no table.

    Raises:
        BadInput: no table of values, or one of another kind.
    """
    if entry is None or (isinstance(entry, Mapping) and "table" not in entry):
        return None
    if not isinstance(entry, Mapping):
        raise BadInput(f"objectives.{label}.origin = {entry!r}: need a table with table, seeds and test")
    origin = Origin(
        table=require_value(entry, "table", str),
        seeds=require_value(entry, "seeds", int),
        test=require_value(entry, "test", str),
    )
    if origin.seeds < 1:
        raise BadInput(f"objectives.{label}.origin.seeds = {origin.seeds}: need a number > 0")
    return origin
