"""The subject that a user names: by a dotted path or as it is registered, with options."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from algorithms.interop.optional_method import NotInstalled, OptionalMethod
from benchmark.checking.subject import Subject
from benchmark.checking.toy_tasks import TASKS
from benchmark.errors import BadInput, accepted_arguments, parameters_of, reject_unknown_keys
from benchmark.suite.part_import import check_name, import_part
from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS, OFFERED

REGISTRIES = {"searcher": ALL_SEARCHERS, "scheduler": ALL_SCHEDULERS}
METHODS = {"searcher": "sample_configuration", "scheduler": "suggest"}


def name_subject(name: str, role: str | None, options: Mapping[str, Any]) -> Subject:
    """Find a searcher or scheduler; a scheduler that takes a searcher is given random search.

    Args:
        name: registered, or a dotted path.
        role: "searcher" or "scheduler"; None: as the class has methods, searcher where both would do.
        options: of the class.

    Raises:
        BadInput: there is no such class, it does not take one of the options, or it takes none of the toy tasks.
    """
    made, role = _find(name, role)
    parameters = parameters_of(name, made)
    if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        reject_unknown_keys("--set", options, [each for each in parameters if each not in (*OFFERED, "self")])
    algorithm: dict[str, Any] = {role: {**options, "name": name}}
    if role == "scheduler" and accepted_arguments(name, made, ["searcher"]):
        algorithm["searcher"] = "random"
    return Subject(role=role, algorithm=algorithm, kind=_find_kind(role, algorithm))


def _find(name: str, role: str | None) -> tuple[Any, str]:
    """The callable of a name, and its role."""
    for known, registry in REGISTRIES.items():
        if name in registry and role in (None, known):
            part = registry[name]
            try:
                return (part.load() if isinstance(part, OptionalMethod) else part), known
            except NotInstalled as error:
                raise BadInput(f"{name}: {error}") from error
    check_name("NAME", name, REGISTRIES[role] if role else ALL_SEARCHERS | ALL_SCHEDULERS)
    part = import_part("NAME", name)
    return part, role or next((known for known, method in METHODS.items() if hasattr(part, method)), "searcher")


def _find_kind(role: str, algorithm: Mapping[str, Any]) -> str:
    """The first kind of task that the algorithm takes; the plain one where it takes none, to say why."""
    for kind in TASKS:
        try:
            Subject(role=role, algorithm=algorithm, kind=kind).scheduler("one")
        except BadInput:
            continue
        return kind
    return "one"
