"""The bit contract: what a trial does not depend on."""

from functools import cache

import pytest

from tests.objectives.stacks.gpu.trials import CONFIGS, curves, same_bits, stack_of

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
    return curves(stack_of(name, 1), list(enumerate(CONFIGS[name])), EPOCHS)


def assert_same(one, other):
    for number, curve in one[0].items():
        assert other[0][number] == curve
        assert same_bits(other[1][number], one[1][number])


@pytest.mark.parametrize("name", NAMES)
def test_size_of_the_stack_and_order_do_not_matter(name):
    """Stacks of 1, 2 and 7 slots, another order of admission, other graphs and lanes: equal to the bit."""
    expected, trials = alone(name), list(enumerate(CONFIGS[name]))

    assert_same(expected, curves(stack_of(name, 2, quantum=2), trials[::-1], EPOCHS))
    assert_same(expected, curves(stack_of(name, 7, quantum=1, lanes=2), trials[1:] + trials[:1], EPOCHS))


@pytest.mark.parametrize("name", NAMES)
def test_a_diverging_neighbour_does_not_matter(name):
    """A trial whose weights overflow is reported at chance, leaves, and its slot's next trial is unharmed."""
    expected, trials = alone(name), list(enumerate(CONFIGS[name]))
    stack = stack_of(name, 2)
    found = curves(stack, [(99, RUINOUS[name]), *trials], EPOCHS)

    assert found[0][99] == [(0.9, 0.9, True)]
    assert stack.free == 2
    del found[0][99]
    assert_same(expected, found)


@pytest.mark.parametrize("name", NAMES)
def test_pauses_do_not_matter(name):
    """Trials that pause after every epoch, and go on in another slot, are equal to the bit."""
    expected, trials = alone(name), list(enumerate(CONFIGS[name]))

    assert_same(expected, curves(stack_of(name, 2), trials, EPOCHS, pause_at=(1,)))
