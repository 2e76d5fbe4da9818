"""Foresight: what a run will ask for, told before any result, and only where no result can change it."""

import pytest

from benchmark.batching.lookahead import predict_jobs
from benchmark.suite import parsing as suites
from benchmark.suite.model import Run
from benchmark.tuning.tuner import TuningLoop
from tests.benchmark.fakes.stacked_toy import StackedToy

OBJECTIVE = "tests.benchmark.fakes.stacked_toy:StackedToy"


def run_of(algorithm, budget=None, **changes) -> Run:
    """The first run of a suite on the toy objective."""
    table = {
        "seed": 5,
        "repetitions": 1,
        "clock": "measured",
        "budget": budget or {"trials": 6},
        "algorithms": {"own": algorithm},
        "objectives": {"toy": {"name": OBJECTIVE}},
        **changes,
    }
    return next(iter(suites.parse("toy", table).runs()))


@pytest.mark.parametrize("n_workers", [1, 3])
@pytest.mark.parametrize("searcher", ["random", "sobol", "grid"])
def test_what_is_predicted_is_what_is_asked_for(searcher, n_workers):
    """Whatever results come, the run asks for these configurations and epochs, in this order, and no other."""
    from benchmark.tuning.factory import build_scheduler
    from benchmark.tuning.tuner import Outcome

    run, objective = run_of({"searcher": searcher}, n_workers=n_workers), StackedToy(raising=2)
    jobs = TuningLoop(
        build_scheduler(run, objective),
        check=objective.space.check,
        max_epochs=objective.max_epochs,
        budget=run.budget,
        n_workers=n_workers,
    ).run()
    asked, job = [], next(jobs)
    try:
        while True:
            asked.append((job.config, job.epochs))
            job = jobs.send(Outcome(error=1.0 / (2 + len(asked)), epochs=job.epochs, end=job.start + len(asked)))
    except StopIteration:
        pass

    found = predict_jobs(run, objective)

    assert found is not None
    assert list(found) == asked
    assert len(asked) == 6
    assert {epochs for _, epochs in asked} == {objective.max_epochs}


@pytest.mark.parametrize(
    "algorithm",
    [
        {"searcher": {"name": "local", "num_init_random": 1}},
        {"scheduler": "successive_halving", "searcher": "random"},
    ],
)
def test_nothing_is_predicted_where_results_decide(algorithm):
    """An algorithm that learns, and any class that does not say of itself that it does not."""
    assert predict_jobs(run_of(algorithm), StackedToy()) is None


@pytest.mark.parametrize("budget", [{"runtime": 9.0}, {"epochs": 9}, {"trials": 6, "epochs": 9}])
def test_nothing_is_predicted_under_a_budget_that_training_spends(budget):
    """When the run ends depends on how its trials end."""
    assert predict_jobs(run_of({"searcher": "random"}, budget), StackedToy()) is None


class Fading:
    """A scheduler that proposes two configurations and then raises; no result changes that."""

    adaptive = False

    def __init__(self):
        self.asked = 0

    def suggest(self):
        self.asked += 1
        if self.asked > 2:
            raise ArithmeticError("out of ideas")
        return {"x": self.asked}

    def update(self, config, error, info=None):
        """Learns nothing."""


def test_a_failing_algorithm_ends_the_prediction(monkeypatch):
    """It fails in its own run, with its own report; here it only stops."""
    monkeypatch.setattr("benchmark.batching.lookahead.build_scheduler", lambda run, objective: Fading())

    found = predict_jobs(run_of({"searcher": "random"}), StackedToy())

    assert found is not None
    assert [config for config, _ in found] == [{"x": 1}, {"x": 2}]


def test_nothing_is_predicted_of_a_scheduler_that_does_not_say(monkeypatch):
    """Without a word on it, results may change what it proposes."""

    class Silent:
        suggest, update = Fading.suggest, Fading.update

    monkeypatch.setattr("benchmark.batching.lookahead.build_scheduler", lambda run, objective: Silent())

    assert predict_jobs(run_of({"searcher": "random"}), StackedToy()) is None
