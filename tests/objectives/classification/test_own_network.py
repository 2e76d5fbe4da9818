"""The example of a user's own objective: short, stacked, and trained as the reference loop trains it."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from objectives.objective import Machine
from objectives.stacks.functional.stack import FunctionalStack, refusal
from tests.objectives.classification import own_network
from tests.objectives.classification.own_network import OwnNetwork

pytestmark = pytest.mark.usefixtures("one_thread")

MACHINE = Machine()


def seed(number):
    return np.random.SeedSequence(11, spawn_key=(number,))


def test_it_is_short():
    """The README promises thirty lines."""
    assert len(Path(own_network.__file__).read_text().splitlines()) <= 30


def test_it_is_stacked():
    """Nothing about it keeps its trials from training side by side."""
    assert refusal(OwnNetwork(), MACHINE) is None


def test_stacked_curves_are_those_of_the_reference_loop():
    """Six trials side by side err on as many images as each does alone, up to one here and there."""
    objective, generator = OwnNetwork(), np.random.default_rng(8)
    configs = [objective.space.sample(generator) for _ in range(6)]
    stack = FunctionalStack(objective, MACHINE, len(configs))
    for number, config in enumerate(configs):
        stack.admit(number, config, seed(number))
    assert stack.alone.free == len(configs)
    found = {number: [] for number in range(len(configs))}
    while stack.free < len(configs):
        for number, epoch in stack.advance():
            found[number].append(epoch)
            if len(found[number]) == objective.max_epochs:
                stack.pause(number)
    for number, config in enumerate(configs):
        expected = islice(objective.reference(config, seed(number), MACHINE), objective.max_epochs)
        wrong = [
            abs(one.valid_error - other.valid_error) * 300 for one, other in zip(expected, found[number], strict=True)
        ]
        assert max(wrong) < 2.5
        assert sum(wrong) < 3.5
