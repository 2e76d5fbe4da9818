"""The cycle model's programs and turns, held against the products that the interpreter computes."""

import math
from types import SimpleNamespace
from unittest import mock

import pytest
from triton.runtime.interpreter import GridExecutor, InterpreterBuilder

from objectives.stacks.gpu.kernels.table import BATCH, POSITION, ROWS
from tests.objectives.stacks.gpu.trials import CONFIGS, curves, stack_of
from tests.perf.gpu.offline.cycle_model import Batch, count_programs, count_turns

WIDTHS = {"lenet": [64, 120, 84, 10], "dropout_mlp": [64, 70, 11, 10]}
LOOPS = {"block1_forward": 0}
"""Loops around a kernel's products; of all others one."""
PRODUCTS = {"block1_forward": 2, "block1_weights": 4, "block2_forward": 4, "block2_inputs": 2}
"""In a turn; of all others one."""


def launches_of(name):
    """Every launch of a trial's epoch in a stack of its own: kernel, arguments, rows of its minibatch, products."""
    found, init, dot = [], GridExecutor._init_args_hst, InterpreterBuilder.create_dot

    def begin(executor, arguments, keywords):
        named = {**dict(zip(executor.arg_names, arguments, strict=False)), **keywords}
        found.append([executor.fn.__name__, named, rows_of(named), 0])
        return init(executor, arguments, keywords)

    def count(*arguments):
        found[-1][3] += 1
        return dot(*arguments)

    with (
        mock.patch.object(GridExecutor, "_init_args_hst", begin),
        mock.patch.object(InterpreterBuilder, "create_dot", count),
    ):
        curves(stack_of(name, 1, quantum=1), [(0, CONFIGS[name][0])], 1)
    return [launch for launch in found if launch[3]]


def rows_of(named):
    """Rows of a launch, by the table of slots as it is then."""
    if named.get("EVALUATE"):
        return named["total"] - named["first"]
    if "whole" not in named:
        return None
    row = named["whole"][0].tolist()
    return min(row[BATCH.value], row[ROWS.value] - row[POSITION.value])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet", "dropout_mlp"])
def test_products_are_those_of_programs_and_turns(name):
    """In training on whole and short minibatches and in both evaluations, launch by launch."""
    launches = launches_of(name)
    for function, constants, rows, products in launches:
        loops = [SimpleNamespace()] * LOOPS.get(function, 1)
        kernel = SimpleNamespace(kernel=function, function=function, constants=constants, loops=loops)
        batch = Batch(rows=rows, widths=WIDTHS[name])
        turns = math.prod(count_turns(kernel, batch)[: LOOPS.get(function, 1)])
        assert products == count_programs(kernel, batch) * turns * PRODUCTS.get(function, 1), (function, rows)

    assert len({(function, rows) for function, _, rows, _ in launches}) > 4
