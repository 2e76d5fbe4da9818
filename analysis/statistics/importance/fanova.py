"""Functional analysis of variance: how much of a function's variance each of its arguments explains alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from analysis.statistics.anytime import Array

TREES = 8
"""Trees of a forest."""


def main_effects(positions: Array, errors: Array, seed: int) -> Array:
    """The shares of the variance that the main effects of a random forest explain, exactly from its trees' leaves.

    Hutter, Hoos, Leyton-Brown 2014, "An Efficient Approach for Assessing Hyperparameter Importance". Values are
    weighted as if drawn evenly from [0, 1]. The work grows with leaves times distinct values, whatever the axes are.

    Args:
        positions: (n, axes) in [0, 1].
        errors: (n,) finite numbers of any size.
        seed: of the forest.

    Returns:
        (axes,) shares in [0, 1], means over the trees that vary at all; zeros if none does.
    """
    if len(errors) < 2 or errors.min() == errors.max():
        return np.zeros(positions.shape[1])
    # The forest computes in float32, which would take values for equal that are not: it sees their ranks.
    seen, ranks = zip(*(np.unique(column, return_inverse=True) for column in positions.T), strict=True)
    forest = RandomForestRegressor(n_estimators=TREES, random_state=seed).fit(np.stack(ranks, axis=1), scaled(errors))
    edges = [np.concatenate([[0.0], (values[1:] + values[:-1]) / 2, [1.0]]) for values in seen]
    shares = [found for tree in forest.estimators_ if (found := _of_tree(tree.tree_, edges)) is not None]
    return np.mean(shares, axis=0) if shares else np.zeros(len(edges))


def scaled(values: Array) -> Array:
    """Finite values moved and stretched to [0, 1], zeros where all are the same; nothing overflows or loses digits."""
    if not len(values) or values.min() == values.max():
        return np.zeros(len(values))
    _, exponent = np.frexp(np.abs(values).max())
    shrunk = np.ldexp(values, -exponent - 1)  # Exact, and differences are now at most 1.
    return np.asarray((shrunk - shrunk.min()) / np.ptp(shrunk))


def _of_tree(tree: Any, edges: Sequence[Array]) -> Array | None:
    """(axes,) shares by one tree; None if it does not vary.

    Args:
        tree: scikit-learn's, on ranks.
        edges: of each axis, where the cells of its ranks begin and end.
    """
    used = np.unique(tree.feature[tree.feature >= 0])
    leaves = np.flatnonzero(tree.children_left < 0)
    boxes = _boxes(tree, [len(ends) - 1 for ends in edges])[leaves]
    values = tree.value[leaves, 0, 0]
    sizes = np.ones((len(leaves), len(used) + 2))  # A column of ones at either end, for the products below.
    for column, axis in enumerate(used):
        sizes[:, column + 1] = np.diff(edges[axis][boxes[:, axis]], axis=1)[:, 0]
    volumes = sizes.prod(axis=1)
    mean = volumes @ values
    total = volumes @ (values - mean) ** 2
    if not total > 0.0:
        return None
    before, after = np.cumprod(sizes, axis=1), np.cumprod(sizes[:, ::-1], axis=1)[:, ::-1]
    shares = np.zeros(len(edges))
    for column, axis in enumerate(used):
        cells = np.arange(len(edges[axis]) - 1)
        inside = (boxes[:, axis, :1] <= cells) & (cells < boxes[:, axis, 1:])
        marginal = (values * before[:, column] * after[:, column + 2]) @ inside
        shares[axis] = np.diff(edges[axis]) @ (marginal - mean) ** 2 / total
    return np.minimum(shares, 1.0)


def _boxes(tree: Any, counts: Sequence[int]) -> Array:
    """(nodes, axes, 2) integers: the first rank of each axis that reaches a node, and the first after those."""
    boxes = np.zeros((tree.node_count, len(counts), 2), dtype=np.int64)
    boxes[0, :, 1] = counts
    for node in np.flatnonzero(tree.children_left >= 0):  # Parents come before their children.
        axis, border = tree.feature[node], int(tree.threshold[node]) + 1
        left, right = tree.children_left[node], tree.children_right[node]
        boxes[left] = boxes[right] = boxes[node]
        boxes[left, axis, 1] = boxes[right, axis, 0] = border
    return boxes
