"""Calibrations: what the work of a trial costs on one device, in seconds, read from TOML.

The price of a trial is a sum of products of the file's numbers and the objective's counts
(`objectives/cost.py`), in float64 by `math.fsum`, so it has the same bits on every machine.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, nearest_match, reject_unknown_keys, require_int, short_repr
from benchmark.storage.toml_files import TomlFiles
from objectives.cost import CostTerms

FORMAT = 1
CALIBRATION_FILES = TomlFiles(kind="calibration", folder=Path(__file__).parent / "shipped")
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
NAME_RULE = "1 to 64 lower-case letters, digits, '-', '_' and '.', a letter or digit first"
LARGEST = 10**9
"""Most seconds of one piece of work, and largest count, so that no sum overflows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """What the work of one objective costs on one device, and how well that was measured.

    Attributes:
        name: of the objective, as in a suite.
        options: those that `Objective.cost_options` gives.
        date: when it was measured, YYYY-MM-DD.
        configurations: how many it was fitted to.
        held_out: how many other configurations the errors below are of.
        rounds: how often each was timed; the least time of each epoch counts.
        rows: training rows of a timed epoch at most.
        spread: by what share a round took longer than the least times, in the median: a few percent
            on a quiet machine.
        median_error: |price / measured seconds - 1| of the held-out configurations.
        worst_error: likewise, the greatest.
        set_up: seconds for one of each of the terms of setting up.
        epoch: likewise of an epoch.
    """

    name: str
    options: Mapping[str, Any]
    date: str
    configurations: int
    held_out: int
    rounds: int
    rows: int
    spread: float
    median_error: float
    worst_error: float
    set_up: Mapping[str, float]
    epoch: Mapping[str, float]

    def price(self, terms: CostTerms, start_epoch: int, epochs: int) -> float:
        """Return the seconds to train from `start_epoch` to `epochs`; setting up is paid by who starts at 0.

        Raises:
            ValueError: the terms are not those of this calibration.
        """
        set_up, epoch = self.seconds(terms)
        return (set_up if start_epoch == 0 else 0.0) + (epochs - start_epoch) * epoch

    def seconds(self, terms: CostTerms) -> tuple[float, float]:
        """Return the seconds of setting up and of every epoch.

        Raises:
            ValueError: the terms are not those of this calibration.
        """
        return self._seconds("set_up", self.set_up, terms.set_up), self._seconds("epoch", self.epoch, terms.epoch)

    def price_of_epoch(self, terms: CostTerms) -> float:
        """Return the seconds of the terms of an epoch alone.

        Raises:
            ValueError: the terms are not those of this calibration.
        """
        return self._seconds("epoch", self.epoch, terms.epoch)

    def _seconds(self, part: str, costs: Mapping[str, float], counts: Mapping[str, float]) -> float:
        if costs.keys() != counts.keys():
            raise ValueError(f"{part}: calibrated are {sorted(costs)}, the objective counts {sorted(counts)}")
        for name, count in counts.items():
            if not 0 <= count < math.inf:
                raise ValueError(f"{part}: the objective counts {count!r} {name}, need a finite number >= 0")
        return math.fsum(costs[name] * float(count) for name, count in counts.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The cost models of one device.

    Attributes:
        name: how tables and figures call it.
        device: model of the CPU or GPU.
        versions: of the libraries, and what else decides how fast they are.
        cost_models: one for each objective and its options.
    """

    name: str
    device: str
    versions: Mapping[str, str]
    cost_models: tuple[CostModel, ...]

    def cost_model(self, name: str, options: Mapping[str, Any]) -> CostModel:
        """Return the cost model of an objective with these options.

        Raises:
            BadInput: it was not calibrated.
        """
        for model in self.cost_models:
            if model.name == name and canonical_options(model.options) == canonical_options(options):
                return model
        covered = [describe_objective(model.name, model.options) for model in self.cost_models]
        description = describe_objective(name, options)
        hint = nearest_match(description, covered)
        raise BadInput(
            f"calibration {self.name}: {description} is not in it, calibrated are {', '.join(covered)}{hint}"
        )

    def digest(self, name: str) -> str:
        """Return the SHA-256 of all that decides the prices of the objective of that name."""
        used = [
            {"options": model.options, "set_up": model.set_up, "epoch": model.epoch}
            for model in self.cost_models
            if model.name == name
        ]
        return hashlib.sha256("\n".join(sorted(map(canonical_options, used))).encode()).hexdigest()

    def to_toml(self) -> str:
        """Write the calibration as a TOML text that `parse_calibration` reads back."""
        lines = [
            "# Seconds that the work of a trial takes on this device; written by `python -m benchmark calibrate`.",
            "# A trial costs its set-up and, for every epoch, the sum over the terms of seconds times count;",
            "# objectives/cost.py says what is counted. The errors are of configurations held out of the fit.",
            f"format = {FORMAT}",
            f"name = {_toml(self.name)}",
            f"device = {_toml(self.device)}",
            "",
            "[versions]",
            *(f"{_key(name)} = {_toml(version)}" for name, version in self.versions.items()),
        ]
        for model in sorted(self.cost_models, key=lambda model: (model.name, canonical_options(model.options))):
            lines += ["", "[[objectives]]"]
            values = {field.name: getattr(model, field.name) for field in fields(CostModel)}
            for name, value in values.items():
                if name not in ("set_up", "epoch"):
                    lines.append(f"{name} = {_toml(value)}")
            for part in ("set_up", "epoch"):
                lines.append(f"[objectives.{part}] # seconds for one of each")
                lines += [f"{_key(term)} = {_toml(cost)}" for term, cost in values[part].items()]
        return "\n".join(lines) + "\n"


def load_calibration(text: str) -> Calibration:
    """Read a calibration by its name or by a path to a TOML file.

    Raises:
        BadInput: there is none, or it is not valid.
    """
    path = CALIBRATION_FILES.find(text)
    table = CALIBRATION_FILES.read(path)
    try:
        return parse_calibration(table)
    except BadInput as error:
        raise BadInput(f"calibration {path.name}: {error}") from error


def parse_calibration(table: Mapping[str, Any]) -> Calibration:
    """Parse a calibration from its TOML table.

    Raises:
        BadInput: naming the field, its value and what is allowed.
    """
    reject_unknown_keys("", table, ("format", "name", "device", "versions", "objectives"))
    require_int("format", table.get("format"), FORMAT, FORMAT)
    name = table.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadInput(f"name = {short_repr(name)}: need {NAME_RULE}")
    versions = _table("versions", table.get("versions"))
    tables = table.get("objectives")
    if not isinstance(tables, list) or not tables:
        raise BadInput(f"objectives = {short_repr(tables)}: need at least one table [[objectives]]")
    models = tuple(_parse_cost_model(f"objectives[{index}]", value) for index, value in enumerate(tables))
    keys = [describe_objective(model.name, model.options) for model in models]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise BadInput(f"objectives[{index}]: {key} is there twice")
    return Calibration(
        name=name,
        device=_text("device", table.get("device")),
        versions={key: _text(f"versions.{key}", value) for key, value in versions.items()},
        cost_models=models,
    )


def describe_objective(name: str, options: Mapping[str, Any]) -> str:
    """Name an objective and its options in a message."""
    return f"{name} ({', '.join(f'{key} = {_toml(options[key])}' for key in sorted(options))})"


def canonical_options(value: object) -> str:
    """Encode a value of TOML as JSON with sorted keys and dates as texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def _parse_cost_model(field: str, value: object) -> CostModel:
    table = _table(field, value)
    reject_unknown_keys(field, table, [field.name for field in fields(CostModel)])
    set_up, epoch = (_costs(f"{field}.{part}", table.get(part)) for part in ("set_up", "epoch"))
    if not any(epoch.values()):
        raise BadInput(f"{field}.epoch = {short_repr(epoch)}: need at least one number > 0")
    return CostModel(
        name=_text(f"{field}.name", table.get("name")),
        options=_table(f"{field}.options", table.get("options")),
        date=_text(f"{field}.date", table.get("date")),
        configurations=require_int(f"{field}.configurations", table.get("configurations"), 1, LARGEST),
        held_out=require_int(f"{field}.held_out", table.get("held_out"), 1, LARGEST),
        rounds=require_int(f"{field}.rounds", table.get("rounds"), 1, LARGEST),
        rows=require_int(f"{field}.rows", table.get("rows"), 1, LARGEST),
        spread=_number(f"{field}.spread", table.get("spread")),
        median_error=_number(f"{field}.median_error", table.get("median_error")),
        worst_error=_number(f"{field}.worst_error", table.get("worst_error")),
        set_up=set_up,
        epoch=epoch,
    )


def _costs(field: str, value: object) -> dict[str, float]:
    return {term: _number(f"{field}.{term}", cost) for term, cost in _table(field, value).items()}


def _number(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST:
        raise BadInput(f"{field} = {short_repr(value)}: need a number in 0..{LARGEST}")
    return float(value)


def _table(field: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{field} = {short_repr(value)}: need a table")
    return value


def _text(field: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 300:
        raise BadInput(f"{field} = {short_repr(value)}: need a text of 1 to 300 characters")
    return value


def _toml(value: object) -> str:
    """Encode a value as TOML; JSON's texts and numbers are TOML's."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)
