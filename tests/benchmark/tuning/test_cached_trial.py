"""One trial in the cache: it answers every job that its known epochs suffice for."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.tuning.evaluation import ImpureTrial
from benchmark.tuning.trainer import Trainer
from objectives.epoch import Epoch
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy
from tests.benchmark.tuning.cached_trials import epoch, job, trial


@given(
    errors=st.lists(st.floats(0, 1), min_size=1, max_size=6),
    diverges=st.booleans(),
    cuts=st.lists(st.integers(1, 6), max_size=5),
)
def test_a_known_trial_answers_as_the_trainer_does(errors, diverges, cuts):
    """Whatever promotions are asked for, states, epochs and curves are those of a solo training."""
    epochs = [epoch(error) for error in errors]
    if diverges:
        epochs[-1] = Epoch(valid_error=0.9, test_error=0.9, seconds=1.0, diverged=True)

    class Known(StackedToy):
        TIMES_ITSELF = True

        def train(self, config, seed, machine):
            return iter(epochs)

    alone = Trainer(Known(epochs=6), suite_seed=0, objective_name="toy", repetition=0, machine=Machine())
    known, start = trial(*epochs), 0
    for end in sorted({cut for cut in cuts if diverges or cut <= len(errors)}):
        expected = alone.train(job(end, start))
        assert known.can_answer(end)
        found = known.answer(job(end, start))
        assert replace(found, paid_seconds=0.0) == replace(expected, paid_seconds=0.0)
        start = expected.epochs
    assert known.can_answer(len(errors) + 1) == diverges


def test_seconds_are_paid_once_and_charged_always():
    """The first answer pays for what was trained since the last, the next one pays nothing."""
    known = trial(epoch(0.5, seconds=2.0), epoch(0.4, seconds=3.0))

    first, second, third = (known.answer(job(epochs)) for epochs in (1, 2, 2))

    assert [training.paid_seconds for training in (first, second, third)] == [5.0, 0.0, 0.0]
    assert [training.train_seconds for training in (first, second, third)] == [2.0, 5.0, 5.0]


def test_a_problem_is_the_answer_to_what_is_not_known():
    """A trial that raised has no errors beyond its epochs, and keeps those that it had."""
    known = trial(epoch(0.5), epoch(0.4))
    known.problem = "ValueError: no"

    assert known.can_answer(9)
    lost = known.answer(job(4, start_epoch=2))
    assert (lost.state, lost.epochs, lost.valid_error, lost.valid_curve) == ("error", 2, None, [])
    assert lost.problem == "ValueError: no"
    kept = known.answer(job(2))
    assert (kept.state, kept.epochs, kept.valid_curve) == ("ok", 2, [0.5, 0.4])


@pytest.mark.parametrize(
    "other", [epoch(0.41), epoch(0.4, diverged=True), Epoch(valid_error=0.4, test_error=0.3, seconds=1.0)]
)
def test_rebuilding_must_repeat_every_epoch(other):
    """An epoch trained again may take longer; its errors and its end must be the same."""
    known = trial(epoch(0.5), epoch(0.4))
    known.epochs_trained = 0

    known.add_epoch(epoch(0.5, seconds=99.0))
    with pytest.raises(ImpureTrial, match=r"epoch 2 of \{'x': 7\}: recorded \(0\.4, 0\.2, False\), now"):
        known.add_epoch(other)

    assert len(known.epochs) == 2


def test_rebuilding_goes_on_beyond_what_is_known():
    """Known epochs are compared, later ones are added."""
    known = trial(epoch(0.5), epoch(0.4))
    known.epochs_trained = 0

    for value in (0.5, 0.4, 0.3):
        known.add_epoch(epoch(value))

    assert [one.valid_error for one in known.epochs] == [0.5, 0.4, 0.3]


def test_a_trial_that_came_out_otherwise_is_trusted_no_more():
    """The refusal says what was recorded, what came now and why that may be; every later job meets it again."""
    known = trial(epoch(0.5), epoch(0.4))
    known.epochs_trained = 0

    with pytest.raises(ImpureTrial) as refused:
        known.add_epoch(epoch(0.3))

    assert str(refused.value) == (
        "epoch 1 of {'x': 7}: recorded (0.5, 0.25, False), now (0.3, 0.15, False); "
        "its training does not repeat itself, or its code has changed"
    )
    assert known.ended
    assert known.can_answer(9)
    for epochs in (1, 9):
        with pytest.raises(ImpureTrial) as again:
            known.answer(job(epochs))
        assert again.value is refused.value


def test_a_trial_is_served_as_far_as_it_is_known():
    """Neither an unknown trial nor one in the middle has ended; a problem or divergence ends it."""
    assert not trial().ended
    assert not trial().can_answer(1)
    known = trial(epoch(0.5), epoch(0.4))
    assert [known.can_answer(epochs) for epochs in (1, 2, 3)] == [True, True, False]
    assert trial(epoch(0.5), epoch(0.9, diverged=True)).can_answer(3)
    known.problem = "ValueError: no"
    assert known.ended


def test_a_lost_training_is_paid_for_once():
    """What was trained before the problem is charged and paid with the answer that tells of it."""
    known = trial(epoch(0.5, seconds=2.0))
    known.problem = "ValueError: no"

    first, second = (known.answer(job(3, start_epoch=1)) for _ in range(2))

    assert [(lost.paid_seconds, lost.train_seconds) for lost in (first, second)] == [(2.0, 2.0), (0.0, 0.0)]
    assert (first.test_error, first.test_curve) == (None, [])


def test_an_answer_has_both_curves_of_what_was_asked():
    """Errors are those of the last epoch asked for, curves begin where the job does."""
    found = trial(epoch(0.5), epoch(0.4), epoch(0.3)).answer(job(2, start_epoch=1))

    assert (found.state, found.epochs, found.problem) == ("ok", 2, None)
    assert (found.valid_error, found.test_error) == (0.4, 0.2)
    assert (found.valid_curve, found.test_curve, found.train_seconds) == ([0.4], [0.2], 1.0)
