"""Metrics of a trial: what training may yield, and how records, the trial cache and retraining carry it."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import torch

from benchmark.tuning.evaluation import checked_epoch, evaluation_record
from benchmark.tuning.trainer import Trainer
from benchmark.tuning.trial_cache import CachedTrial
from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.objective import Machine
from tests.benchmark.fakes.metric_toy import MetricToy
from tests.benchmark.fakes.unit_interval import UnitInterval
from tests.benchmark.tuning.jobs import make_job

DECLARED = (Metric("accuracy", goal="max", best=1, chance=0.1), Metric("size"), Metric("loss", chance=2.3))


def checked(declared=DECLARED, **values):
    """An epoch as it is recorded."""
    return checked_epoch(Epoch(seconds=1.0, **values), 0, declared, "objectives.toy")


def valid(**values):
    """All declared metrics, some of them as given."""
    return {"accuracy": 0.5, "size": None, "loss": 1.0, **values}


def test_the_first_metric_is_the_error():
    """Algorithms see the negative of an accuracy, and the mapping keeps every value as it was given."""
    epoch = checked(metrics=valid(), test_metrics={"accuracy": 0.25})

    assert (epoch.valid_error, epoch.test_error) == (-0.5, -0.25)
    assert epoch.metrics == {"accuracy": 0.5, "size": None, "loss": 1.0}
    assert epoch.test_metrics == {"accuracy": 0.25}


@pytest.mark.parametrize(
    "loss",
    [np.array([0.5]), np.array([[0.5]]), torch.tensor([0.5]), torch.tensor(0.5, requires_grad=True), Fraction(1, 2)],
)
def test_an_array_of_one_number_is_that_number(loss):
    """Whatever its axes, as libraries return it, and without a word of torch on gradients."""
    assert checked(metrics=valid(loss=loss)).metrics["loss"] == 0.5


REFUSED = {
    "not declared": (valid(auc=1.0), "the metric 'auc' is not declared, declared are accuracy, size, loss"),
    "misspelled": (valid(los=1.0), 'did you mean "loss"?'),
    "missing": ({"accuracy": 0.5, "loss": 1.0}, "the metric 'size' is missing, declared are"),
    "first not measured": (valid(accuracy=None), "the metric 'accuracy' is None: algorithms see the first metric"),
    "no number": (valid(loss="low"), "loss = 'low', need a number or None"),
    "a truth value": (valid(loss=True), "loss = True, need a number or None"),
    "a truth value in an array": (valid(loss=np.array([True])), "loss = array([ True]), need a number or None"),
    "several numbers": (valid(loss=np.zeros(2)), "loss = array([0., 0.]), need a number or None"),
    "a complex number": (valid(loss=0.5 + 0j), "loss = (0.5+0j), need a number or None"),
    "nan without a chance value": (valid(size=math.nan), "the metric 'size' is nan, and size has no chance value"),
    "no mapping": (0.5, "metrics = 0.5: need a mapping"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_metrics_than_declared_are_refused(case):
    """The message names the objective, the epoch, the metric and the remedy."""
    metrics, message = REFUSED[case]
    with pytest.raises((TypeError, ValueError), match=r"objectives\.toy, epoch 1: ") as refused:
        checked(metrics=metrics)
    assert message in str(refused.value)


@pytest.mark.parametrize("broken", [{"accuracy": math.nan}, {"loss": math.inf}])
def test_a_diverged_trial_is_worth_the_chance_values(broken):
    """One metric that is not finite is enough; a metric without a chance value is then not measured."""
    epoch = checked(metrics=valid(**broken), test_metrics={"accuracy": 0.9})

    assert epoch.diverged
    assert (epoch.valid_error, epoch.test_error) == (-0.1, -0.1)
    assert epoch.metrics == {"accuracy": 0.1, "size": None, "loss": 2.3}


def test_divergence_without_a_chance_value_is_an_error():
    """Nothing says what such a trial is worth, so it has failed; the same for the one classic error."""
    with pytest.raises(ValueError, match="loss has no chance value; declare"):
        checked((Metric("loss"),), metrics={"loss": math.nan})
    with pytest.raises(ValueError, match="error has no chance value"):
        checked((Metric("error"),), valid_error=math.nan)


def test_a_test_metric_that_is_not_finite_is_not_known():
    """The test never decides what an algorithm learns."""
    epoch = checked(metrics=valid(), test_metrics={"accuracy": math.nan, "loss": 1.5})
    assert not epoch.diverged
    assert (epoch.test_error, epoch.test_metrics) == (None, {"accuracy": None, "loss": 1.5})


def test_the_classic_error_may_come_as_a_metric():
    """An objective that declares nothing may yield its error by name, and nothing more is recorded of it."""
    epoch = checked((Metric("error"),), metrics={"error": 1e8})
    assert (epoch.valid_error, epoch.metrics) == (1e8, None)


def job(epochs=2, start=0):
    """A request for the trial x = 0.5."""
    return make_job({"x": 0.5}, epochs, start)


def test_a_record_and_the_trial_cache_hold_every_metric():
    """What a record holds is what the cache answers from it, for the epochs that a job adds."""
    trainer = Trainer(MetricToy(), suite_seed=0, objective_name="toy", repetition=0, machine=Machine())
    record = evaluation_record(job(), trainer.train(job()), 1.0, None)

    assert record["valid_metrics"] == {"accuracy": [25.0, 50.0], "parameters": [None, 500.0]}
    assert record["test_metrics"] == {"accuracy": [24.0, 49.0]}
    assert (record["valid_curve"], record["test_curve"]) == ([-25.0, -50.0], [-24.0, -49.0])
    from benchmark.tuning.trial_cache import _epochs_of  # The reading half, which only harvests call alone.

    known = CachedTrial(config=job().config, seed=None, epochs=_epochs_of(record))
    answered = evaluation_record(job(start=1), known.answer(job(start=1)), 1.0, None)
    assert answered["valid_metrics"] == {"accuracy": [50.0], "parameters": [500.0]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeclared(UnitInterval):
    """Yields a metric that it does not declare."""

    def train(self, config, seed, machine):
        yield Epoch(metrics={"auc": 1.0}, seconds=0.0)


def test_an_undeclared_metric_ends_the_trial_not_the_run():
    """It is a trial in the state `error`, whose problem says what to do."""
    trainer = Trainer(Undeclared(), suite_seed=0, objective_name="toy", repetition=0, machine=Machine())
    result = trainer.train(job())
    assert result.state == "error"
    assert "Undeclared, epoch 1: the metric 'auc' is not declared" in (result.problem or "")
