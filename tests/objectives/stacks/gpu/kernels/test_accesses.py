"""Whose memory kernels access: every address in its tensor and in one slot, and no program in another's way."""

import pytest
import torch
import triton
import triton.language as tl

from objectives.stacks.gpu.kernels.table import WIDTH
from tests.objectives.stacks.gpu.kernels.accesses import watched
from tests.objectives.stacks.gpu.trials import CONFIGS, curves, seed_of, stack_of

slow = pytest.mark.slow  # Interpreted kernels take seconds.


@triton.jit
def copy_rows(source, out, ROWS: tl.constexpr, SHIFT: tl.constexpr, LANES: tl.constexpr):
    """Copy a row of four numbers a program, SHIFT rows further on; LANES programs a slot of ROWS rows."""
    row = tl.program_id(0) * ROWS + tl.program_id(1) * (ROWS // LANES) + SHIFT
    at = row * 4 + tl.arange(0, 4)
    tl.store(out + at, tl.load(source + at))


@triton.jit
def add_to_next(out, numbers):
    """Add to a number and store it in the place that the next program reads."""
    at = tl.program_id(0)
    tl.store(out + at + 1, tl.load(out + at) + tl.load(numbers + at))


@triton.jit
def add_together(out, numbers):
    """Add up all numbers in one place."""
    tl.atomic_add(out, tl.load(numbers + tl.program_id(0)))


def problems(launch):
    with watched() as found:
        launch()
    return {what for _, _, what in found.problems}


def test_a_sound_kernel_has_no_problem():
    """Every program copies its own row of its own slot, and integers are added up atomically."""
    source, out = torch.ones(2, 2, 4), torch.zeros(2, 2, 4)
    whole = torch.zeros(1, dtype=torch.int32)

    with watched() as found:
        copy_rows[(2, 2)](source, out, ROWS=2, SHIFT=0, LANES=2)
        add_together[(3,)](whole, torch.ones(1, 3, dtype=torch.int32))

    assert found.problems == set()
    assert found.accesses == 2 * 16 + 2 * 3
    assert torch.equal(source, out)
    assert int(whole) == 3


def test_planted_faults_are_caught():
    """A row too far, the neighbour's slot, one place for two programs, a race, an atomic sum of floats."""
    source, out = torch.ones(2, 2, 4), torch.zeros(2, 2, 4)

    assert problems(lambda: copy_rows[(2, 2)](source, out, ROWS=2, SHIFT=1, LANES=2)) == {"outside every tensor"}
    assert problems(lambda: add_to_next[(1,)](torch.zeros(2, 1), torch.ones(1, 1))) == {"several slots in one program"}
    assert problems(lambda: copy_rows[(1, 4)](source, out, ROWS=2, SHIFT=0, LANES=4)) == {"written by two programs"}
    race = problems(lambda: add_to_next[(2,)](torch.zeros(1, 3), torch.ones(1, 2)))
    assert race == {"read by one program, written by another"}
    assert problems(lambda: add_together[(3,)](torch.zeros(1), torch.ones(1, 3))) == {"an atomic addition of floats"}


@slow
def test_a_width_one_too_large_is_caught():
    """A real kernel with a planted width: eleven classes reach the next slot's weights, or lie beyond the last slot."""
    with watched() as found:
        stack = stack_of("softmax", 2)
        for number in range(2):
            stack.admit(number, CONFIGS["softmax"][number], seed_of(number))
        stack.site.table.host_whole[:, WIDTH.value + 1] += 1
        stack.advance()

    assert ("dense_forward", "weights", "several slots in one program") in found.problems
    assert ("dense_forward", "load", "outside every tensor") in found.problems


@slow
@pytest.mark.parametrize(("name", "precision"), [("lenet", "ieee"), ("dropout_mlp", "bf16x6")])
def test_kernels_stay_in_their_slots(name, precision):
    """Two trials in two slots and one lane: no problem in any kernel of a network."""
    with watched() as found:
        curves(stack_of(name, 2, precision=precision, lanes=1), list(enumerate(CONFIGS[name]))[:2], 1)

    assert found.problems == set()
    assert {"dense_forward", "dense_update", "count_not_finite"} < set(found.kernels)
