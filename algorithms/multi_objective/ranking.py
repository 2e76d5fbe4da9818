"""A total order of trials with several errors: non-dominated sorting, an epsilon-net, and constraints before both."""

from __future__ import annotations

import moocore
import numpy as np

from algorithms.multi_objective.task_values import total_violations


def rank(errors: np.ndarray, amounts: np.ndarray, most: int | None = None) -> list[int]:
    """Order trials from the best on; of equal ones the earlier comes first.

    Feasible trials come first: front by front (Deb et al., 2002), each in the order of its epsilon-net.
    Those that violate a constraint follow by how much they do, those of which a metric was not measured are last.

    Args:
        errors: (n, m), to be minimised, +inf where not measured.
        amounts: (n, c), by how much each is beyond each bound.
        most: how many places of the order are asked for; None for all.

    Returns:
        Row numbers.
    """
    violations = np.where(np.isfinite(errors).all(axis=1), total_violations(amounts), np.inf)
    feasible = np.flatnonzero(violations == 0)
    count = len(errors) if most is None else most
    order: list[int] = []
    fronts = moocore.pareto_rank(errors[feasible]) if len(feasible) else np.zeros(0, dtype=int)
    for front in range(fronts.max(initial=-1) + 1):
        if len(order) >= count:
            return order[:count]
        members = feasible[fronts == front]
        order += members[epsilon_net(errors[members])].tolist()
    infeasible = np.flatnonzero(violations > 0)
    order += infeasible[np.argsort(violations[infeasible], kind="stable")].tolist()
    return order[:count]


def epsilon_net(points: np.ndarray) -> list[int]:
    """Order the points of a front, (n, m), so that those of every beginning are far apart.

    The first is the best in the first coordinate; then always the one that is farthest from the nearest of
    those before it (Clarkson, 2006). Distances are Euclidean, in units of the front's extent in each coordinate.
    """
    extent = np.ptp(points, axis=0)
    scaled = points / np.where(extent > 0, extent, 1.0)
    order = [int(np.argmin(points[:, 0]))]
    nearest = np.linalg.norm(scaled - scaled[order[0]], axis=1)
    nearest[order[0]] = -1.0
    while len(order) < len(points):
        order.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, np.linalg.norm(scaled - scaled[order[-1]], axis=1))
        nearest[order[-1]] = -1.0
    return order
