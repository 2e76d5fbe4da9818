"""Rounds launched ahead: the bits of a trial are those of a stack that is read after every round."""

from functools import cache

import pytest

from objectives.stacks.gpu.lead import Lead
from tests.objectives.stacks.gpu.trials import CONFIGS, curves, same_bits, seed_of, stack_of

pytestmark = pytest.mark.slow  # Interpreted kernels take seconds.

EPOCHS = 2
LOST = {"learning_rate": 1e38}
"""A rate far outside the space, by which weights overflow in the first epoch."""


def trials():
    """Two trials and one that is lost, as (number, configuration)."""
    first, second, *_ = CONFIGS["softmax"]
    return [(0, first), (9, LOST), (1, second)]


@cache
def alone():
    """Every trial by itself, each round read before the next one is launched."""
    return curves(stack_of("softmax", 1), trials(), EPOCHS)


def ahead(stack, trials, *, rest_at=()):
    """Errors and weights of trials that a host trains as the harness does: it begins more than it has read.

    Args:
        stack: an empty one.
        trials: (number, configuration) in order of admission.
        rest_at: epochs after which a trial rests for a while in its slot.
    """
    waiting, until, errors, weights = list(trials), {}, {number: [] for number, _ in trials}, {}
    while waiting or until:
        stack.begin(until)
        while waiting and stack.free:
            number, config = waiting.pop(0)
            stack.admit(number, config, seed_of(number))
            until[number] = min((*rest_at, EPOCHS))
            stack.begin(until)  # With one trial more, or what was begun is enough.
        for number, epoch in stack.finish():
            errors[number].append((epoch.valid_error, epoch.test_error, epoch.diverged))
            if epoch.diverged:
                del until[number]
            elif len(errors[number]) == EPOCHS:
                weights[number] = stack.pause(number).parameters
                del until[number]
            elif len(errors[number]) == until[number]:
                until[number] = min(stop for stop in (*rest_at, EPOCHS) if stop > until[number])
    return errors, weights


@pytest.mark.parametrize(("capacity", "lead"), [(1, 10_000), (2, 1), (3, 10_000)])
def test_bits_do_not_depend_on_the_lead(capacity, lead):
    """However much is launched before results are read, beside a trial that is lost while more of it is launched."""
    stack = stack_of("softmax", capacity)
    stack._lead = Lead(least=lead, clock=lambda: 0.0)

    errors, weights = ahead(stack, trials(), rest_at=(1,))

    expected = alone()
    assert errors == expected[0]
    assert errors[9] == [(0.9, 0.9, True)]
    assert weights.keys() == expected[1].keys()
    assert all(same_bits(weights[number], expected[1][number]) for number in weights)


def test_a_trial_in_flight_is_removed_but_not_paused():
    """What was launched of it is not returned, and its slot is given to another, whose bits are its own."""
    (first, config), _, second = trials()
    stack = stack_of("softmax", 1)
    stack._lead = Lead(least=10_000, clock=lambda: 0.0)
    stack.admit(first, config, seed_of(first))
    stack.begin({0: EPOCHS})
    assert any(stack.finish() for _ in list(stack._rounds))

    with pytest.raises(ValueError, match="ticket 0: in the middle of an epoch"):
        stack.pause(0)
    stack.remove(0)
    errors, _ = ahead(stack, [second])

    assert errors[1] == alone()[0][1]


def test_seconds_are_those_of_the_rounds():
    """A trial is charged its share of the rounds in which it was trained, and none for a round in which it rests."""
    stack = stack_of("softmax", 2)
    stack._lead = Lead(least=10_000, clock=lambda: 0.0)
    for number, config in enumerate(CONFIGS["softmax"][:2]):
        stack.admit(number, config, seed_of(number))
    admission = {slot.ticket: slot.seconds for slot in stack._slots}
    stack.begin({0: 1, 1: 0})
    rounds, results = list(stack._rounds), []
    while stack._rounds:
        results += stack.finish()

    [(ticket, epoch)] = results
    assert ticket == 0
    assert 0 < epoch.seconds - admission[0] <= sum(each.end.seconds_since(each.start) for each in rounds) * 1.001
    assert stack._slots[1].seconds == admission[1]
