"""The messages to a searcher or scheduler in another process, and the checks of its answers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from algorithms.interop.optional_method import PROPERTIES
from algorithms.interop.space_translation import Coordinate, Translation
from objectives.external.subprocess_client import SubprocessClient
from objectives.space import FIDELITY, Config, Space

PROTOCOL = 1

ROUNDING = 1e-9
"""Relative: languages that print 15 digits may miss a bound, or the default, by a rounding."""


class RemoteAlgorithm:
    """Talks to an algorithm in another process by the protocol in `algorithms/external/README.md`.

    Args:
        client: with its process.
        space: the space of the run.
        begin: the first message, of `beginning`.
        initial_config: has to be the first proposal, unless the other side says that it lacks "default".
        version: the only one that may answer; None: any.

    Raises:
        ValueError: a version that is no text. All that the other side does wrong is an `ExternalError`.
    """

    def __init__(
        self,
        client: SubprocessClient,
        space: Space,
        begin: Mapping[str, Any],
        initial_config: Config | None,
        version: str | None,
    ) -> None:
        if version is not None and not isinstance(version, str):
            raise ValueError(f"version = {version!r}: need a text")
        self.client, self.begin, self.version = client, begin, version
        self.translation = Translation(space)
        self.coordinates = {coordinate.name: coordinate for coordinate in self.translation.coordinates}
        self.initial = None if initial_config is None else dict(initial_config)
        self.asked, self.proposed_before = 0, False
        self._about: dict[str, dict[str, str]] | None = None

    def about(self) -> dict[str, dict[str, str]]:
        """Return the algorithm's `versions` and `lacks`; the first call starts it."""
        if self._about is None:
            answer = self._exchange(self.begin, required=("name", "version"), optional=("libraries", "lacks"))
            self._about = self._introduced(answer)
        return self._about

    def ask(self) -> tuple[int, Config | None]:
        """Ask for a proposal; return the question's number and the configuration, with a scheduler's fidelity."""
        self.about()
        scheduling = self.begin["role"] == "scheduler"
        number, self.asked = self.asked, self.asked + 1
        optional = ("max_epochs",) if scheduling else ()
        answer = self._exchange({"op": "ask", "number": number}, required=("config",), optional=optional)
        if answer["config"] is None:
            return number, None
        try:
            config = self._inward(answer["config"])
        except ValueError as error:
            self.client.fail(f"proposed an impossible configuration: {error}")
        if self.initial is not None:
            config = self._defaulted(config, self.initial)
        if answer.get(FIDELITY) is not None:
            return number, {**config, FIDELITY: self._epochs(answer[FIDELITY])}
        return number, config

    def tell(self, number: int | None, config: Config, error: float, epochs: Any) -> None:
        """Send a result; a crashed trial's error is null."""
        self.about()
        message = {
            "op": "tell",
            "number": number,
            "config": self.translation.outward(config),
            "error": None if math.isinf(error) else float(error),
            "max_epochs": epochs,
        }
        self._exchange(message)

    def _exchange(
        self, message: Mapping[str, Any], required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        answer = self.client.exchange(message)
        odd = [key for key in answer if key not in required + optional]
        odd += [key for key in required if key not in answer]
        if odd:
            need = ", ".join(required) or "none"
            may = f", and perhaps {', '.join(optional)}" if optional else ""
            self.client.fail(
                f"answered {message['op']!r} with the keys {', '.join(answer) or 'none'}: need {need}{may}"
            )
        return answer

    def _introduced(self, answer: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        libraries, lacks = answer.get("libraries", {}), answer.get("lacks", {})
        for key, value in (("name", answer["name"]), ("version", answer["version"])):
            if not isinstance(value, str) or not value:
                self.client.fail(f"answered 'begin' with {key} = {value!r}: need a text")
        for key, table in (("libraries", libraries), ("lacks", lacks)):
            if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
                self.client.fail(f"answered 'begin' with {key} = {table!r}: need an object of texts")
        for name in lacks:
            if name not in PROPERTIES:
                self.client.fail(f"answered 'begin' with lacks.{name}: not one of {', '.join(PROPERTIES)}")
        if self.version is not None and answer["version"] != self.version:
            self.client.fail(f"is version {answer['version']!r}, not {self.version!r} as the suite says")
        return {"versions": {answer["name"]: answer["version"], **libraries}, "lacks": lacks}

    def _inward(self, values: Any) -> Config:
        """Translate a proposal to a configuration of the space.

        Raises:
            ValueError: it is none of the space's.
        """
        if not isinstance(values, dict):
            raise ValueError(f"{values!r} is no object")
        for name, value in values.items():
            if name not in self.coordinates:
                raise ValueError(f"{name!r}: no such hyperparameter, there are {list(self.coordinates)}")
            _check(self.coordinates[name], value)
        return self.translation.inward(values)

    def _defaulted(self, config: Config, initial: Config) -> Config:
        """Return the default itself where a proposal equals it up to rounding, as the first one has to."""
        proposed, expected = self.translation.outward(config), self.translation.outward(initial)
        if proposed.keys() == expected.keys() and all(_alike(proposed[name], expected[name]) for name in expected):
            config = dict(initial)
        elif not self.proposed_before and "default" not in self.about()["lacks"]:
            self.client.fail(f"proposed {proposed!r} first, not initial_config = {expected!r}")
        self.proposed_before = True
        return config

    def _epochs(self, epochs: Any) -> int:
        """Check a proposed fidelity here as well as in the tuner, so that the message names this program."""
        top = self.begin["max_epochs"]
        is_whole = isinstance(epochs, int | float) and not isinstance(epochs, bool) and epochs in range(1, top + 1)
        if not is_whole:
            self.client.fail(f"proposed max_epochs = {epochs!r}: need a whole number in 1..{top}")
        return int(epochs)


def first_message(
    role: Literal["searcher", "scheduler"],
    space: Space,
    rng: np.random.Generator,
    initial_config: Config | None,
    max_epochs: int | None,
    options: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Build the first message: role, space, default configuration, fidelity, seed and options.

    Raises:
        ValueError: options are no table of JSON values.
    """
    if options is not None and not isinstance(options, Mapping):
        raise ValueError(f"options = {options!r}: need a table")
    try:
        json.dumps(dict(options or {}), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"options = {options!r}: need JSON values ({error})") from error
    translation = Translation(space)
    return {
        "op": "begin",
        "protocol": PROTOCOL,
        "role": role,
        "space": [_described(coordinate) for coordinate in translation.coordinates],
        "initial_config": None if initial_config is None else translation.outward(initial_config),
        "max_epochs": max_epochs,
        "seed": int(rng.integers(2**31 - 1)),
        "options": dict(options or {}),
    }


def _described(coordinate: Coordinate) -> dict[str, Any]:
    """Describe a hyperparameter in JSON."""
    described: dict[str, Any] = {"name": coordinate.name, "kind": coordinate.kind}
    if coordinate.kind == "categorical":
        described["choices"] = list(coordinate.choices)
    else:
        described |= {"low": coordinate.low, "high": coordinate.high, "log": coordinate.log}
    condition = coordinate.condition
    parent = None if condition is None else {"parent": condition.parent, "values": list(condition.values)}
    return {**described, "condition": parent}


def _check(coordinate: Coordinate, value: Any) -> None:
    """Refuse a value outside a coordinate, except for rounding at its bounds; choices are checked later."""
    if coordinate.kind == "categorical":
        return
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if not number or (coordinate.kind == "int" and isinstance(value, float) and not value.is_integer()):
        raise ValueError(f"{coordinate.name} = {value!r}: need {'a whole' if coordinate.kind == 'int' else 'a'} number")
    slack = 0 if coordinate.kind == "int" else ROUNDING
    if not coordinate.low - slack * abs(coordinate.low) <= value <= coordinate.high + slack * abs(coordinate.high):
        raise ValueError(f"{coordinate.name} = {value!r}: outside {coordinate.low}..{coordinate.high}")


def _alike(first: Any, other: Any) -> bool:
    if type(first) is float and type(other) is float:
        return math.isclose(first, other, rel_tol=ROUNDING)
    return type(first) is type(other) and bool(first == other)
