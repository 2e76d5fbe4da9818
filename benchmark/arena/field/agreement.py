"""Checks that a suite and the tables of this machine are those that a field was made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.arena.field.field_file import Field
from benchmark.arena.field.packing import describe_algorithm, describe_objective, describe_suite, plain_data
from benchmark.construction.preparation import prepare_objective
from benchmark.errors import BadInput, short_repr
from benchmark.suite.model import Suite
from benchmark.tables.names import making_command
from objectives.objective import Machine, Objective

DECIDES = ("seed", "clock", "n_workers", "resume", "timeout", "budget")
"""What of a suite every run depends on."""


def check_agreement(suite: Suite, field: Field, path: Path) -> None:
    """Refuse a suite that says something else than the one that a field was made from; imports nothing heavy.

    Args:
        suite: with some of the field's objectives and repetitions, and any algorithms.
        field: published runs.
        path: of its file, for the message.

    Raises:
        BadInput: naming what differs, and the remedy.
    """
    own, theirs = describe_suite(suite), field.header["suite"]
    for name in DECIDES:
        if own[name] != theirs.get(name):
            raise _differs(path, suite, name, theirs.get(name), own[name])
    if suite.repetitions > field.repetitions:
        raise _differs(path, suite, "repetitions", field.repetitions, suite.repetitions)
    for run in suite.runs():
        label = run.objective.label
        if label not in field.objectives:
            raise _differs(path, suite, f"objectives.{label}", "nothing", "an objective")
        if run.repetition == 0 and describe_objective(run)["identity"] != field.objective(label)["identity"]:
            identities = field.objective(label)["identity"], describe_objective(run)["identity"]
            raise _differs(path, suite, f"objectives.{label}", *identities)


def check_algorithms(suite: Suite, field: Field, path: Path) -> None:
    """Refuse a suite whose algorithms, by their labels, are not the field's.

    Raises:
        BadInput: naming the first that differs.
    """
    entries = {entry["label"]: entry["identity"] for entry in field.header["algorithms"]}
    own = {run.algorithm.label: describe_algorithm(run)["identity"] for run in suite.runs() if run.repetition == 0}
    for label in dict.fromkeys([*entries, *own]):
        if entries.get(label) != own.get(label):
            raise _differs(path, suite, f"algorithms.{label}", entries.get(label), own.get(label))


def check_tables(objectives: Mapping[str, Objective], machine: Machine, field: Field, path: Path) -> None:
    """Refuse objectives whose tables, or other data, are not those that a field was made from.

    Args:
        objectives: by label, as built here.
        machine: where the data lies.
        field: published runs.
        path: of its file, for the message.

    Raises:
        BadInput: naming the objective, both digests and the remedy.
    """
    for label, objective in objectives.items():
        own = plain_data(prepare_objective(label, objective, machine))
        theirs = field.objective(label)["data"]
        if own != theirs:
            raise BadInput(
                f"objectives.{label}: its data here is {_digests(own)}, that of field {path} was {_digests(theirs)}; "
                f"make the table again by `{making_command()}`, or take the field that belongs to this one"
            )


def _digests(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {str(value)[:12]}" for name, value in data.items()) or "nothing"


def _differs(path: Path, suite: Suite, name: str, theirs: object, own: object) -> BadInput:
    return BadInput(
        f"suite {suite.name}: {name} is {short_repr(own)} here, field {path} was made with {short_repr(theirs)}; "
        "take the suite and the field of one version, or run the suite and pack its field anew"
    )
