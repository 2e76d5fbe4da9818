"""Constraints as BoTorch's acquisition functions take them: functions of model draws, negative where one holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from algorithms.multi_objective.task_search import Standardised
from algorithms.searchers.surrogate import torch


def feasibility(columns: list[Standardised], first: int) -> list[Callable[[torch.Tensor], torch.Tensor]] | None:
    """Make a function for every column from `first` on, whose values are excesses; None where there are none."""
    places = range(first, len(columns))
    return [partial(_excess, place=place, bound=columns[place].of(0.0)) for place in places] or None


def _excess(draws: torch.Tensor, place: int, bound: float) -> torch.Tensor:
    """Standardised excesses of draws (..., m): targets are negated, so one above the bound's holds."""
    return bound - draws[..., place]
