"""Refuses a route that was asked for where it can serve no trial."""

from __future__ import annotations

from collections.abc import Mapping

from benchmark.batching.run_group import shares_trials
from benchmark.errors import BadInput
from benchmark.suite.model import Suite
from objectives.objective import Machine, Objective
from objectives.stack import RouteRefused


def require_route(suite: Suite, objectives: Mapping[str, Objective], machine: Machine) -> None:
    """Refuse a route that the suite's networks cannot take; what trains no network has none.

    Raises:
        BadInput: trials are timed one by one, no objective trains networks, or one of them cannot take the route.
    """
    if machine.route is None:
        return
    field = f"--route {machine.route}"
    run = next(suite.runs())
    if not shares_trials(run):
        why = f"clock is {run.clock}" if run.timeout is None else f"timeout is {run.timeout:g}"
        raise BadInput(f"{field}: {why}, so every trial trains by itself; leave --route out, or use a modelled clock")
    networks = {label: objective for label, objective in objectives.items() if objective.stackable}
    if not networks:
        raise BadInput(f"{field}: no objective of the suite trains networks side by side; leave --route out")
    for label, objective in networks.items():
        require_arithmetic(label, objective, machine, stacked=True)


def require_arithmetic(label: str, objective: Objective, machine: Machine, *, stacked: bool) -> str:
    """What decides the bits of an objective's trials (see `Objective.arithmetic`).

    Raises:
        BadInput: it cannot take the route asked for.
    """
    try:
        return objective.arithmetic(machine, stacked=stacked)
    except RouteRefused as error:
        raise BadInput(f"--route {machine.route}: objectives.{label}: {error}; leave --route out") from error
