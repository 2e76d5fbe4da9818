"""The bit contract: a trial's epochs are its own, whatever stack, slot, neighbours, order and pauses it meets.

Every objective of images is tried, on the digits; what is expected is the trial trained by itself.
"""

import json
from functools import cache

import numpy as np
import pytest
import torch

from objectives import OBJECTIVES
from objectives.classification.base import ImageClassification
from objectives.objective import Machine
from tests.objectives.stacks.trials import alone, lost, plant, through, trials

pytestmark = pytest.mark.usefixtures("one_thread")

MACHINE = Machine()
NETWORKS = [name for name, kind in OBJECTIVES.items() if issubclass(kind, ImageClassification)]
EPOCHS = 3
COUNT = 24
every = pytest.mark.parametrize(
    "name", [NETWORKS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS[1:])]
)


@cache
def objective(name):
    return OBJECTIVES[name](epochs=EPOCHS)


@cache
def queue(name):
    return tuple(trials(objective(name), COUNT, seed=5))


@cache
def expected(name):
    """Every trial trained by itself."""
    return alone(objective(name).train, queue(name), EPOCHS)


def stack(name, capacity):
    return objective(name).stack(MACHINE, capacity)


@every
@pytest.mark.parametrize("capacity", [1, 2, 7, 64])
def test_any_stack_size(name, capacity):
    """Two dozen random configurations have the epochs they have alone, in stacks of 1, 2, 7 and 64 slots."""
    given = stack(name, capacity)
    assert given.capacity == given.free == capacity
    assert through([given], queue(name), EPOCHS) == expected(name)
    assert given.free == capacity


@every
def test_any_order_of_admission(name):
    """However the queue is shuffled, so that slots and neighbours are others, nothing changes."""
    order = np.random.default_rng(0).permutation(COUNT)
    shuffled = [queue(name)[place] for place in order]
    assert through([stack(name, 5)], shuffled, EPOCHS) == expected(name)


@every
@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_neighbour_that_is_lost(name, place):
    """Trials whose weights overflow, in the first, a middle or the last slot, end and leave the others alone."""
    few = list(queue(name)[:10])
    bad = [lost(objective(name), 100 + number) for number in range(3)]
    mixed = [*few[:place], *bad[:2], *few[place:], bad[2]]
    curves = through([stack(name, 7)], mixed, EPOCHS)
    for trial in bad:
        assert curves[trial.number] == alone(objective(name).train, [trial], EPOCHS)[trial.number]
        assert curves[trial.number][-1] == (0.9, 0.9, True)
    for trial in few:
        assert curves[trial.number] == expected(name)[trial.number]


@every
def test_pauses(name):
    """Paused after every epoch, a trial goes on in another stack, slot and company as if it had not."""
    stacks = [stack(name, capacity) for capacity in (1, 3, 6)]
    assert through(stacks, queue(name), EPOCHS, pauses=np.random.default_rng(0)) == expected(name)


@every
def test_the_same_trial_twice_in_a_stack(name):
    """Equal trials beside each other have equal epochs."""
    trial, other = queue(name)[:2]
    given = stack(name, 3)
    for ticket, each in (("one", trial), ("between", other), ("two", trial)):
        given.admit(ticket, each.config, each.seed)
    curves = {"one": [], "between": [], "two": []}
    while given.free < 3:
        for ticket, epoch in given.advance():
            curves[ticket].append((epoch.valid_error, epoch.test_error, epoch.diverged))
            if len(curves[ticket]) == 2:
                given.pause(ticket)
    assert curves["one"] == curves["two"] == expected(name)[trial.number][:2]


@pytest.mark.slow
@every
@pytest.mark.parametrize("options", [{"folds": 3}, {"split": "book"}])
def test_other_protocols(name, options):
    """Cross-validation and the book's protocol keep the contract as well."""
    other = OBJECTIVES[name](epochs=2, **options)
    few = trials(other, 6)
    wanted = alone(other.train, few, 2)
    assert through([other.stack(MACHINE, 4)], few, 2) == wanted
    assert through([other.stack(MACHINE, 2), other.stack(MACHINE)], few, 2, pauses=np.random.default_rng(0)) == wanted


@pytest.mark.parametrize(
    "name", ["softmax", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dropout_mlp", "mlp"))]
)
def test_the_reference_has_the_same_epochs(name):
    """Where the arithmetic is the same, the reference loop gives the very curves."""
    assert alone(objective(name).reference, queue(name), EPOCHS) == expected(name)


@pytest.mark.slow
@every
def test_the_reference_on_the_books_geometry(name, monkeypatch):
    """On images of 28x28 all networks agree with the reference loop to the last error."""
    machine = plant(monkeypatch, "fashion_mnist", 500, 28)
    large = OBJECTIVES[name](data="fashion_mnist", epochs=2)
    few = trials(large, 5)
    curves = through([large.stack(machine, 3)], few, 2, pauses=np.random.default_rng(0))
    assert curves == alone(large.reference, few, 2, machine)


@pytest.mark.slow
def test_lenet_on_digits_stays_near_the_reference():
    """With dense products for convolutions the first epoch's errors differ by an image or two at most."""
    wanted = alone(objective("lenet").reference, queue("lenet"), 1)
    for number, [(valid, test, diverged)] in wanted.items():
        ours = expected("lenet")[number][0]
        assert abs(ours[0] - valid) <= 2 / 300
        assert abs(ours[1] - test) <= 2 / 300
        assert ours[2] == diverged


def curves_elsewhere():
    """A few trials of every objective in stacks of another size, as JSON turns them round."""
    torch.set_num_threads(1)
    curves = {name: through([stack(name, 4)], queue(name)[3:9], EPOCHS) for name in NETWORKS}
    return json.loads(json.dumps(curves))


@pytest.mark.slow
def test_a_fresh_process(in_fresh_process):
    """Nothing of this process is in a stacked trial."""
    wanted = {name: {str(number): expected(name)[number] for number in range(3, 9)} for name in NETWORKS}
    assert in_fresh_process(__file__, "curves_elsewhere") == json.loads(json.dumps(wanted))


@every
def test_global_generators_do_not_matter(name, global_state, move_global_generators):
    """A stack neither reads nor moves the global generators."""
    move_global_generators()
    before = global_state()
    assert through([stack(name, 4)], queue(name)[:4], 1) == {number: expected(name)[number][:1] for number in range(4)}
    assert global_state() == before
