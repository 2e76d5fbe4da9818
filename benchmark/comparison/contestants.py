"""Turns what a caller of `compare` gives, functions, classes and names, into the entries of a suite."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from algorithms.adapters import registry as libraries
from benchmark.errors import BadInput, accepted_arguments, nearest_match, short_repr
from benchmark.storage.suite_json import LABEL
from benchmark.suite.definitions import definition_name
from benchmark.suite.model import is_dotted
from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS
from objectives import OBJECTIVES
from objectives.metric import is_classic
from objectives.objective import Objective, checked_default
from objectives.registry import Entry

ROLES = ("searcher", "scheduler")


@dataclass(frozen=True, slots=True)
class Given:
    """An objective that exists already, where a suite expects something that makes it."""

    objective: Objective

    def __call__(self, **described: Any) -> Objective:
        return self.objective


@dataclass(slots=True)
class Contestants:
    """Entries of a suite, with what they name and no process could import.

    Attributes:
        definitions: what the suite finds under a name.
        sources: what the caller wrote of it.
    """

    definitions: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)

    def objective_entry(self, objective: Any, space: Any, test: Any) -> tuple[str, dict[str, Any]]:
        """The label and the entry of an objective.

        Args:
            objective: one of ours by name, a dotted path, any objective, or a function; or a table of one by label.
            space: of a function.
            test: a function for the incumbents of a function.

        Raises:
            BadInput: none of these, a function without a space, or an objective with one.
        """
        if isinstance(objective, Mapping):
            if len(objective) != 1:
                raise BadInput(f"objective = {short_repr(objective)}: need one by label, as {{'forest': accuracy}}")
            ((label, given),) = objective.items()
            return label, self.objective_entry(given, space, test)[1]
        if isinstance(objective, str | Objective):
            if space is not None or test is not None:
                what = "space" if test is None else "test"
                raise BadInput(f"{what}: the objective has its own; leave it out: compare(objective, None, [...])")
            return self._own_objective(objective)
        if not callable(objective):
            need = "a function with hyperparameters as parameters, an objective, or the name of one"
            raise BadInput(f"objective = {short_repr(objective)}: need {need}")
        if space is None:
            raise BadInput("space: missing; say which hyperparameters the function has, by a mapping of distributions")
        label = as_label(getattr(objective, "__name__", type(objective).__name__), "objective")
        entry = {"function": self._define(label, objective, objective), "space": self._define("space", space, space)}
        return label, entry if test is None else {**entry, "test": self._define("test", test, test)}

    def _own_objective(self, objective: str | Objective) -> tuple[str, dict[str, Any]]:
        if isinstance(objective, str):
            return as_label(objective.rpartition(":")[2], "objective"), {"name": objective}
        registered = _registered_name(objective)
        if registered is not None:
            return registered, {"name": registered, **_options(objective)}
        label = as_label(type(objective).__name__, "objective")
        return label, {"name": self._define(label, Given(objective), objective), **_description(objective)}

    def algorithm_entries(self, algorithms: Sequence[Any] | Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The entries of algorithms by label.

        Args:
            algorithms: names and classes; or by label, names, classes and tables as in a suite.

        Raises:
            BadInput: something else, or two of a label.
        """
        if isinstance(algorithms, str) or not isinstance(algorithms, Sequence | Mapping) or not algorithms:
            need = 'need a list such as ["random", MySearcher], or a table of them by label'
            raise BadInput(f"algorithms = {short_repr(algorithms)}: {need}")
        if isinstance(algorithms, Mapping):
            return {label: self._algorithm(f"algorithms.{label}", given) for label, given in algorithms.items()}
        entries: dict[str, dict[str, Any]] = {}
        for place, given in enumerate(algorithms):
            label = as_label(given if isinstance(given, str) else getattr(given, "__name__", ""), f"algorithm-{place}")
            if label in entries:
                raise BadInput(f"algorithms: {label!r} is there twice; give a table of them by label")
            entries[label] = self._algorithm(f"algorithms[{place}]", given)
        return entries

    def _algorithm(self, name: str, given: Any) -> dict[str, Any]:
        """The entry of one algorithm: a searcher under the basic scheduler, or a scheduler over random search."""
        if isinstance(given, Mapping):
            return {key: self._part(f"{name}.{key}", value) if key in ROLES else value for key, value in given.items()}
        part = self._part(name, given)
        if is_scheduler(given):
            return {"scheduler": part, "searcher": "random"} if takes_searcher(given) else {"scheduler": part}
        return {"searcher": part}

    def _part(self, name: str, given: Any) -> Any:
        """A part as a suite's table has it: a name, or a table of a name and options."""
        if isinstance(given, Mapping):
            options = {key: value for key, value in given.items() if key != "name"}
            part = self._part(name, given.get("name"))
            return {**part, **options} if isinstance(part, dict) else {"name": part, **options}
        if isinstance(given, str):
            return known_part(name, given)
        if not callable(given):
            raise BadInput(f"{name} = {short_repr(given)}: need a name, a class, or a function that makes a searcher")
        return self._define(as_label(getattr(given, "__name__", ""), name), given, given)

    def _define(self, name: str, definition: Any, source: Any) -> str:
        path = _importable_path(definition)
        if path is not None:
            return path
        path, number = definition_name(name), 1
        while path in self.definitions and self.sources[path] is not source:
            number += 1
            path = definition_name(f"{name}-{number}")
        self.definitions[path], self.sources[path] = definition, source
        return path


def as_label(text: str, other: str) -> str:
    """A text as a label that may be a folder's name, or another one where nothing is left of it."""
    label = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")[:64]
    return label if LABEL.fullmatch(label) else re.sub(r"[^A-Za-z0-9_-]+", "_", other)


def known_part(name: str, given: str) -> str | dict[str, Any]:
    """A registered name or dotted path as it is; the name of a library's method with the library before it."""
    if given in ALL_SEARCHERS or given in ALL_SCHEDULERS or is_dotted(given):
        return given
    for library, method in libraries.SEARCHERS.items():
        if given in method.variants:
            return {"name": library, **method.variants[given]}
    methods = [variant for method in libraries.SEARCHERS.values() for variant in method.variants if variant]
    known = list(dict.fromkeys([*ALL_SEARCHERS, *ALL_SCHEDULERS, *methods]))
    raise BadInput(f"{name} = {given!r}: not one of {', '.join(known)}{nearest_match(given, known)}")


def is_scheduler(given: Any) -> bool:
    """Return whether a registered name or a class is a scheduler and no searcher."""
    if isinstance(given, str):
        return given in ALL_SCHEDULERS and given not in ALL_SEARCHERS
    return callable(getattr(given, "suggest", None))


def takes_searcher(given: Any) -> bool:
    """Return whether a scheduler, registered or a class, is given a searcher."""
    make: Callable[..., Any] = ALL_SCHEDULERS[given] if isinstance(given, str) else given
    return bool(accepted_arguments("algorithm", make, ("searcher",)))


def _importable_path(definition: Any) -> str | None:
    """The dotted path at which another process finds the same class or function, or None."""
    module, name = getattr(definition, "__module__", None), getattr(definition, "__qualname__", None)
    if isinstance(definition, Given) or module in (None, "__main__") or name is None or not str(name).isidentifier():
        return None
    loaded = sys.modules.get(str(module))
    there = getattr(loaded, "__file__", None) is not None and getattr(loaded, name, None) is definition
    return f"{module}:{name}" if there else None


def _registered_name(objective: Objective) -> str | None:
    """The name of one of our own objectives."""
    kind = f"{type(objective).__module__}:{type(objective).__qualname__}"
    paths = {entry.path: name for name, entry in OBJECTIVES.entries.items() if isinstance(entry, Entry)}
    return paths.get(kind)


def _options(objective: Objective) -> dict[str, Any]:
    """The options of one of our own objectives that are not as they are by default."""
    given = {option.name: (getattr(objective, option.name), option.default) for option in fields(objective)}  # type: ignore[arg-type]  # Ours are data classes.
    return {name: value for name, (value, default) in given.items() if value != default}


def _description(objective: Objective) -> dict[str, Any]:
    """Describe an objective without options for the header of a ledger: another one is another suite."""
    metrics = {} if is_classic(objective.metrics) else {"metrics": [metric.describe() for metric in objective.metrics]}
    return {
        "space": objective.space.describe(),
        "max_epochs": objective.max_epochs,
        "default": checked_default(objective),
        **metrics,
    }
