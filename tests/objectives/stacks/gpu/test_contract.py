"""The bit contract: what a trial does not depend on."""

from functools import cache

import pytest

from objectives.objective import PRECISIONS
from tests.objectives.stacks.gpu.trials import CONFIGS, curves, same_bits, stack_of

pytestmark = pytest.mark.slow  # Interpreted kernels take seconds.

NAMES = ["softmax", "lenet", "dropout_mlp"]
EPOCHS = 2
RUINOUS = {
    "softmax": {"learning_rate": 3e38},
    "lenet": {"learning_rate": 3e38, "batch_size": 4},
    "dropout_mlp": {**CONFIGS["dropout_mlp"][0], "lr": 3e38},
}
"""Configurations outside the spaces, whose weights are not finite after a step or two."""


@cache
def alone(name):
    """Every trial on its own in a stack of one slot."""
    return curves(stack_of(name, 1), trials_of(name), EPOCHS)


def trials_of(name):
    """Numbers and configurations of the trials; interpreted kernels take seconds for each."""
    return list(enumerate(CONFIGS[name]))[:3]


def assert_same(one, other):
    for number, curve in one[0].items():
        assert other[0][number] == curve
        assert same_bits(other[1][number], one[1][number])


@pytest.mark.parametrize("name", NAMES)
def test_size_of_the_stack_and_lanes_do_not_matter(name):
    """Stacks of 1 and 7 slots, another order of admission, other graphs and lanes: equal to the bit."""
    trials = trials_of(name)

    assert_same(alone(name), curves(stack_of(name, 7, quantum=1, lanes=2), trials[1:] + trials[:1], EPOCHS))


@pytest.mark.parametrize(
    ("name", "precision"),
    [*(("softmax", each) for each in PRECISIONS[1:]), ("dropout_mlp", "bf16x6"), ("lenet", "bf16x6")],
)
def test_every_precision_keeps_its_bits(name, precision):
    """Alone, and in reversed order beside a neighbour that diverges: equal to the bit."""
    [(number, _)] = trials = trials_of(name)[:1]
    one = curves(stack_of(name, 1, precision=precision), trials, 1)
    errors, weights = curves(stack_of(name, 3, quantum=2, precision=precision), [(99, RUINOUS[name]), *trials], 1)

    assert errors[99] == [(0.9, 0.9, True)]
    assert errors[number] == one[0][number]
    assert same_bits(one[1][number], weights[number])


@pytest.mark.parametrize("name", NAMES)
def test_a_diverging_neighbour_order_and_pauses_do_not_matter(name):
    """Two slots, reversed order, a pause after every epoch, and a neighbour that diverges: equal to the bit.

    The trial whose weights overflow is reported at chance and leaves; its slot's next trial is unharmed.
    """
    stack = stack_of(name, 2, quantum=2)
    found = curves(stack, [(99, RUINOUS[name]), *trials_of(name)[::-1]], EPOCHS, pause_at=(1,))

    assert found[0][99] == [(0.9, 0.9, True)]
    assert stack.free == 2
    del found[0][99]
    assert_same(alone(name), found)
