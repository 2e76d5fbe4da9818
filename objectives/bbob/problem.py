"""Problems of COCO by function, dimension and instance, with their optima, which COCO's Python does not give away."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from objectives.bbob.noise import OFFSET, base_function, cauchy_sibling, level_of
from objectives.registry import install_command

MIXINT_FACTORS = (
    *(1, 1e-3, 1e-1, 1e-1, 1, 1e-2, 1, 1e-2, 1e-2, 1e-3, 1e-2, 1e-4),
    *(1e-1, 1, 1e-1, 1, 10, 1, 10, 1e-1, 1, 1, 10, 1e-1),
)
"""What bbob-mixint multiplies the functions of bbob by. Source: Tusar, Brockhoff and Hansen (2019), table 1."""
BLOCK = 50
"""Instances whose optima are found at once, because it takes a program of its own."""
FIND_OPTIMA = """
import sys
import cocoex
function, dimension, first, last = map(int, sys.argv[1:])
for instance in range(first, last + 1):
    chosen = f"dimensions:{dimension} function_indices:{function}"
    problem = cocoex.Suite("bbob-constrained", f"instances:{instance}", chosen)[0]
    problem._best_parameter("print")
    with open("._bbob_problem_best_parameter.txt") as file:
        print(float(problem([float(word) for word in file.read().split()])).hex())
"""
"""COCO writes the best parameter into a file in the current folder, which is not this process's to change."""


def load_coco() -> Any:
    """Import COCO's package.

    Raises:
        ValueError: it is not installed.
    """
    try:
        return importlib.import_module("cocoex")
    except ModuleNotFoundError as error:
        raise ValueError(f"coco-experiment is not installed: {install_command('coco')}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What values of a problem are held against.

    Attributes:
        ideal: the least value of every metric that a feasible configuration has.
        nadir: the greatest value of every metric on the front; None where there is one metric.
    """

    ideal: tuple[float, ...]
    nadir: tuple[float, ...] | None = None


@lru_cache(maxsize=64)
def make_problem(suite: str, function: int, dimension: int, instance: int) -> Any:
    """Make a problem: a callable with COCO's attributes. Those of bbob may have any dimension."""
    coco = load_coco()
    if suite == "bbob":
        return coco.BareProblem(suite, function, dimension, instance)
    if suite == "bbob-noisy":
        function -= 100
    return coco.Suite(suite, f"instances:{instance}", f"dimensions:{dimension} function_indices:{function}")[0]


def evaluate(suite: str, function: int, dimension: int, instance: int, x: np.ndarray) -> np.ndarray:
    """Compute the values (m,) of a problem at a point, without noise."""
    if suite != "bbob-noisy":
        return np.atleast_1d(make_problem(suite, function, dimension, instance)(x))
    sibling = cauchy_sibling(function)
    problem = make_problem(suite, sibling, dimension, instance)
    _reset_noise()
    return np.atleast_1d(problem(x)) - (1000 * level_of(sibling, dimension).alpha + OFFSET)


def evaluate_constraints(suite: str, function: int, dimension: int, instance: int, x: np.ndarray) -> np.ndarray:
    """Compute what each constraint (k,) exceeds 0 by at a point; there are none outside bbob-constrained."""
    if suite != "bbob-constrained":
        return np.empty(0)
    return np.atleast_1d(make_problem(suite, function, dimension, instance).constraint(x))


@cache
def find_scale(suite: str, function: int, dimension: int, instance: int) -> Scale:
    """Find the optimum of a problem, or the ideal and the nadir point of one with two values."""
    if suite == "bbob-biobj":
        problem = make_problem(suite, function, dimension, instance)
        parts = re.findall(r"bbob_f(\d+)_i(\d+)_d", problem.name)
        ideal = tuple(_least(int(part), int(number)) for part, number in parts)
        return Scale(ideal=ideal, nadir=tuple(problem.largest_fvalues_of_interest.tolist()))
    if suite == "bbob-constrained":
        optima = _constrained_optima(function, dimension, (instance - 1) // BLOCK)
        return Scale(ideal=(optima[(instance - 1) % BLOCK],))
    if suite == "bbob-noisy":
        function = base_function(function)
    factor = MIXINT_FACTORS[function - 1] if suite == "bbob-mixint" else 1
    return Scale(ideal=(factor * _least(function, instance),))


def _least(function: int, instance: int) -> float:
    """The least value of a function of bbob, which all of its dimensions share."""
    return float(load_coco().BareProblem("bbob", function, 2, instance).best_value())


@cache
def _constrained_optima(function: int, dimension: int, block: int) -> tuple[float, ...]:
    load_coco()
    numbers = (function, dimension, block * BLOCK + 1, (block + 1) * BLOCK)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", FIND_OPTIMA, *map(str, numbers)]
        completed = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return tuple(map(float.fromhex, completed.stdout.split()))


def _reset_noise() -> None:
    """Set COCO's own generators back, as the making of any suite does."""
    load_coco().Suite("bbob-noisy", "instances:1", "dimensions:2 function_indices:1")
