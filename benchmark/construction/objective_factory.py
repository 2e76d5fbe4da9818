"""Builds the objectives of a suite's entries: of registered classes, of classes by dotted path, and of functions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from benchmark.construction.preparation import check_description
from benchmark.construction.table_entry import build_table_objective
from benchmark.errors import BadInput, call_with_options, one_line, short_repr
from benchmark.reproducibility.isolated_objective import IsolatedObjective, isolated_call
from benchmark.suite.model import OF_EVERY_OBJECTIVE, FunctionEntry, ObjectiveEntry
from benchmark.suite.part_import import check_name, import_part, import_value
from objectives import OBJECTIVES
from objectives.derived.chosen_metrics import choose_metrics
from objectives.derived.discretised import Discretised
from objectives.function.function_objective import FunctionObjective
from objectives.objective import Objective
from objectives.task import Task


def build_objective(entry: ObjectiveEntry) -> Objective:
    """Build the objective of a suite's entry.

    Raises:
        BadInput: an unknown name or option, or a value that the objective refuses.
    """
    if not entry.is_third_party:
        return _derived(_construct_objective(entry), entry)
    culprit = f"objectives.{entry.label} ({entry.part.name})"
    with isolated_call(culprit):
        objective = _construct_objective(entry)
    return _derived(IsolatedObjective(objective, culprit), entry)


def _derived(objective: Objective, entry: ObjectiveEntry) -> Objective:
    """The objective on a grid, and with the metrics and constraints that the suite chooses, where it does."""
    if entry.discretise is not None:
        objective = Discretised(inner=objective, levels=entry.discretise)
    if entry.function is not None or (entry.metrics is None and entry.constraints is None):
        return objective  # A function's are declared, not chosen.
    try:
        chosen = choose_metrics(objective, entry.metrics, entry.constraints)
        Task(chosen.metrics, chosen.constraints)
        return chosen
    except ValueError as error:
        raise BadInput(f"objectives.{entry.label}.{error}") from error


def _construct_objective(entry: ObjectiveEntry) -> Objective:
    field = f"objectives.{entry.label}"
    if entry.table is not None:
        objective: Objective = build_table_objective(entry, entry.table)
    elif entry.function is not None:
        objective = _of_function(field, entry, entry.function)
    else:
        objective = _of_class(field, entry)
    try:
        check_description(field, objective)
    except BadInput:
        raise
    except Exception as error:  # Properties of a third-party objective may raise anything.
        raise BadInput(f"{field}.name = {entry.part.name!r}: {one_line(error)}") from error
    return objective


def _of_class(field: str, entry: ObjectiveEntry) -> Objective:
    """Call the class, or a function that makes an objective, with the suite's options."""
    name, where = entry.part.name, f"{field}.name"
    check_name(where, name, OBJECTIVES)
    make_objective = OBJECTIVES[name] if name in OBJECTIVES else import_part(where, name)
    is_function = inspect.isroutine(make_objective)
    remedy = f'; to optimise the function itself, write {field}.function = "{name}" with a space' if is_function else ""
    if is_function and _needs_more(make_objective, entry.part.options):
        raise BadInput(f"{where} = {name!r}: a function with parameters, no objective{remedy}")
    objective = call_with_options(field, make_objective, entry.part.options, {}, OF_EVERY_OBJECTIVE)
    if not isinstance(objective, Objective):
        what = f"{short_repr(objective)} is not an objectives.objective.Objective"
        raise BadInput(f"{where} = {name!r}: {what}{remedy}")
    return objective


def _needs_more(function: Any, options: Mapping[str, Any]) -> bool:
    """Whether a function has parameters without a default that the options leave out."""
    try:
        inspect.signature(function).bind(**options)
    except (TypeError, ValueError):
        return not set(options) - set(inspect.signature(function).parameters)
    return False


def _of_function(field: str, entry: ObjectiveEntry, parts: FunctionEntry) -> Objective:
    """Make an objective of a function, its space and its metrics."""
    function = import_part(f"{field}.function", entry.part.name)
    test = None if parts.test is None else import_part(f"{field}.test", parts.test)
    space, default = _space(f"{field}.space", parts.space), parts.default
    if isinstance(default, str):
        default = import_value(f"{field}.default", default)
    try:
        return FunctionObjective(
            function,
            space,
            default=default,
            max_epochs=parts.max_epochs,
            metrics=entry.metrics,
            constraints=entry.constraints,
            test=test,
            constants=entry.part.options,
            name=entry.part.name,
        )
    except ValueError as error:
        raise BadInput(f"{field}: {error}") from error


def _space(field: str, space: str | Mapping[str, Any]) -> Any:
    from benchmark.construction.space_table import parse_space  # It imports scipy.stats.

    if isinstance(space, str):
        found = import_value(field, space)
        if not isinstance(found, Mapping):
            need = "a Space, or a dict of distributions and lists by name"
            raise BadInput(f"{field} = {space!r}: {short_repr(found)}: need {need}")
        return found
    return parse_space(field, space)
