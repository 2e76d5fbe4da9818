"""Syne Tune through its adapters decides what Syne Tune decides alone."""

import datetime
import math

import numpy as np
import pytest
from scipy import stats

from objectives.space import FIDELITY, Categorical, Condition, Space
from tests.algorithms.adapters.curves import DEFAULT, MAX_EPOCHS, SPACE, drive, error_of, trained
from tests.algorithms.driving import proposals, seed_of

pytest.importorskip("syne_tune", reason="syne_tune is not installed: make adapters")

from syne_tune import config_space as domains
from syne_tune.backend.trial_status import Trial
from syne_tune.optimizer.baselines import ASHA, ASHABORE, BOHB, RandomSearch
from syne_tune.optimizer.schedulers.median_stopping_rule import MedianStoppingRule
from syne_tune.optimizer.schedulers.single_objective_scheduler import SingleObjectiveScheduler

from algorithms.adapters.syne_search import SEARCHERS, SyneTuneSearcher, searcher_class
from algorithms.adapters.syne_tune import SyneTuneScheduler
from algorithms.interop.containment import silent
from tests.perf.syne_tune_simulator import LEVELS, curve, private_generators, simulate

DECLARED = {
    "rate": domains.loguniform(1e-4, 1.0),
    "momentum": domains.uniform(0.0, 1.0),
    "width": domains.randint(8, 64),
    "activation": domains.choice(["relu", "tanh", "sigmoid"]),
    "batch_size": domains.randint(0, 3),
}
OPTIONS = {
    "tpe": {"num_min_data_points": 6},
    "rea": {"population_size": 5, "sample_size": 3},
    "bore": {"feval_acq": 20},
    "botorch": {"num_restarts": 2, "num_raw_samples": 16},
}
TRIALS = {"random": 30, "tpe": 25, "rea": 30, "bore": 10, "cqr": 7, "botorch": 6}


def ours(values):
    """A configuration of the library's in our terms."""
    return {**values, "batch_size": SPACE.axes["batch_size"].choices[values["batch_size"]]}


def searcher(method, space=SPACE, default=DEFAULT, **options):
    return SyneTuneSearcher(
        space,
        rng=np.random.default_rng(1),
        initial_config=default,
        method=method,
        options=options or OPTIONS.get(method),
    )


def alone(method, trials):
    """What the library proposes in a plain loop, without an adapter."""
    seed, found = seed_of(1), []
    first = {**DEFAULT, "batch_size": 2}
    made = searcher_class(method)(DECLARED, points_to_evaluate=[first], random_seed=seed, **OPTIONS.get(method, {}))
    scheduler = SingleObjectiveScheduler(DECLARED, metric="loss", searcher=made, random_seed=seed)
    for number in range(trials):
        config = scheduler.suggest().config
        config["width"] = max(config["width"], 8)  # The integers of "tpe" may fall below their range.
        found.append(ours(config))
        trial = Trial(trial_id=number, config=config, creation_time=datetime.datetime.now())
        scheduler.on_trial_complete(trial, {"loss": error_of(found[-1])})
    return found


@pytest.mark.parametrize("method", SEARCHERS)
def test_proposals_are_those_of_the_library_alone(method):
    """With the same seed and the same results the library proposes the same, with an adapter and without."""
    with private_generators(0), silent():
        expected = alone(method, TRIALS[method])
    with private_generators(0):
        found = proposals(searcher(method), TRIALS[method], error_of)
    assert found == expected
    assert found[0] == DEFAULT


def reports_alone(made, trials):
    """The library's own loop with one worker, every epoch reported; configuration and epochs of each trial."""
    found = []
    for number in range(trials):
        config = made.suggest().config
        trial = Trial(trial_id=number, config=config, creation_time=datetime.datetime.now())
        made.on_trial_add(trial)
        for epoch in range(1, MAX_EPOCHS + 1):
            result = {"loss": error_of(ours(config), epoch), "epoch": epoch}
            if made.on_trial_result(trial, result) != "CONTINUE":
                made.on_trial_remove(trial)
                break
        else:
            made.on_trial_complete(trial, result)
        found.append((ours(config), epoch))
    return found


def library(method, **options):
    """A scheduler of the library, declared by hand."""
    seed, points = seed_of(1), [{**DEFAULT, "batch_size": 2}]
    if method == "median":
        inner = RandomSearch(DECLARED, metrics=["loss"], random_seed=seed, points_to_evaluate=points)
        return MedianStoppingRule(inner, time_attr="epoch", metric="loss", random_seed=seed, **options)
    made = {"asha": ASHA, "asha_bore": ASHABORE, "bohb": BOHB}[method]
    shared = {"metric": "loss", "time_attr": "epoch", "max_t": MAX_EPOCHS}
    return made(DECLARED, random_seed=seed, points_to_evaluate=points, **shared, **options)


def scheduler(method, space=SPACE, default=DEFAULT, max_epochs=MAX_EPOCHS, **options):
    return SyneTuneScheduler(
        space,
        rng=np.random.default_rng(1),
        initial_config=default,
        max_epochs=max_epochs,
        method=method,
        options=options,
    )


@pytest.mark.parametrize(
    ("method", "options", "trials"),
    [
        ("asha", {}, 60),
        ("asha", {"grace_period": 2, "reduction_factor": 2, "brackets": 2}, 60),
        ("asha", {"reduction_factor": 2.5}, 40),
        ("bohb", {"num_min_data_points": 6}, 25),
        ("median", {"grace_population": 3}, 40),
        ("asha_bore", {}, 8),
    ],
)
def test_decisions_are_those_of_the_library_alone(method, options, trials):
    """Every trial trains as long as in the library's loop that reports every epoch."""
    with private_generators(0), silent():
        expected = reports_alone(library(method, **options), trials)
    with private_generators(0):
        found, reports = trained(scheduler(method, **options), trials)
    assert found == expected
    assert len({epochs for _, epochs in found}) > 1
    epochs_trained = sum(epochs for _, epochs in found)
    assert reports < epochs_trained if method == "asha" else reports == epochs_trained


def test_asha_runs_as_in_the_simulator():
    """Syne Tune's tuner on its simulator backend trains the same trials equally long."""
    seed = seed_of(1)
    simulated = simulate("asha", 25, n_workers=1, seed=seed)
    reached = {trial: (config, epoch) for trial, config, epoch, _ in simulated.decisions}
    space = Space({"x": stats.randint(0, LEVELS), "y": stats.randint(0, LEVELS)})

    def tell(config, epochs):
        return float(curve(**config)[epochs - 1])

    with private_generators(seed):
        found, _ = trained(scheduler("asha", space, None, max_epochs=10), 25, tell)
    assert found == list(reached.values())[:25]
    assert {epochs for _, epochs in found} >= {1, 3, 10}


@pytest.mark.parametrize("method", ["asha", "median"])
def test_a_trial_that_may_go_on_does_so_first(method):
    """With several workers too, a trial is continued by the worker that trained it, or never again."""
    with private_generators(0):
        jobs = drive(scheduler(method), error_of, 3, 30)
    waiting = {}
    for job in jobs:
        assert job.start_epoch == waiting.pop(job.trial, 0)
        waiting[job.trial] = job.epochs
    assert any(job.start_epoch for job in jobs)


def test_a_crashed_trial_is_dropped():
    """A trial that crashed is not continued, and the library is not told an error for it."""
    crashed = scheduler("asha")
    with private_generators(0):
        first = crashed.suggest()
        crashed.update(first, math.inf)
        second = crashed.suggest()
    assert {**second, FIDELITY: 0} != {**first, FIDELITY: 0}
    assert [recorded for _, recorded in crashed.scheduler.brackets[0].rungs] == [{}] * 3


@pytest.mark.parametrize("method", ["tpe", "rea", "bore"])
def test_no_searcher_learns_from_a_crash(method):
    """Crashed trials leave no observation, so proposals are those of a run that was told nothing of them."""
    with private_generators(0):
        told = searcher(method)
        proposals(told, 8, lambda config: math.inf)
    learned = {"tpe": "y", "rea": "population", "bore": "targets"}[method]
    assert list(getattr(told.scheduler.searcher, learned)) == []


def test_botorch_shuffles_errors_that_come_out_of_order():
    """The library's fault that the table of properties tells of; when it is mended, so is the table."""
    with private_generators(0):
        made = searcher("botorch")
        asked = [made.sample_configuration() for _ in range(3)]
    for config, error in zip(reversed(asked), (0.3, 0.2, 0.1), strict=True):
        made.update(config, error)
    inner = made.scheduler.searcher
    assert inner.objectives().tolist() == [0.3, 0.2, 0.1]
    assert [config["rate"] for config in inner._configs_with_results()] == [config["rate"] for config in asked]
    assert "wrong errors" in made.lacks["pending"]


def test_partial_results_are_told_once():
    """Told the same configuration at 1, 3 and 9 epochs, a searcher learns the first result."""
    made = searcher("tpe")
    config = made.sample_configuration()
    for epochs, error in ((1, 0.9), (3, 0.5), (9, 0.1)):
        made.update({**config, FIDELITY: epochs}, error)
    assert made.scheduler.searcher.y == [0.9]


CONDITIONAL = Space(
    {"layers": stats.randint(1, 4), "width_2": stats.randint(8, 65), "mixed": Categorical([3, "a", 2.5])},
    {"width_2": Condition(parent="layers", values=(2, 3))},
)


@pytest.mark.parametrize("method", ["random", "tpe", "rea"])
def test_conditions_and_categories_of_several_types(method):
    """Values that do not count are dropped, and categories come back in their own types."""
    default = {"layers": 1, "mixed": "a"}
    with private_generators(0):
        found = proposals(searcher(method, CONDITIONAL, default), 30, lambda config: config["layers"] / 3)
    assert found[0] == default
    assert all(CONDITIONAL.check(config) == config for config in found)
    assert {type(config["mixed"]) for config in found} == {int, str, float}
    assert {"width_2" in config for config in found} == {True, False}


@pytest.mark.parametrize(
    "made", [*({"searcher": name} for name in SEARCHERS), {"scheduler": "asha"}, {"scheduler": "bohb"}]
)
def test_a_space_of_one_configuration(made):
    """Where there is nothing to search, the one configuration is proposed again and again."""
    space = Space({"width": stats.randint(3, 4), "activation": Categorical(["relu"])})
    only = {"width": 3, "activation": "relu"}
    if "searcher" in made:
        assert proposals(searcher(made["searcher"], space, None), 3, lambda config: 0.5) == [only] * 3
    else:
        with private_generators(0):
            found, _ = trained(scheduler(made["scheduler"], space, None), 4, lambda config, epochs: 1 / epochs)
        assert [config for config, _ in found] == [only] * 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: searcher("bor"), "method = 'bor': not one of random, tpe, rea, bore, cqr, botorch; bore?"),
        (
            lambda: searcher("random", points_to_evaluate=[]),
            "options.points_to_evaluate = .*: random has no such option",
        ),
        (lambda: searcher("botorch", num_init_random=1), "botorch refuses them"),
        (lambda: scheduler("hyperband"), "method = 'hyperband': not one of asha"),
        (lambda: scheduler("asha", grace_period=20), "asha refuses them .grace_period must be <= max_t"),
        (lambda: scheduler("asha", eta=3), "options.eta = 3: asha has no such option, it has: grace_period"),
    ],
)
def test_bad_options_are_refused(make, message):
    """A bad option is a ValueError with its name, its value and what is allowed."""
    with pytest.raises(ValueError, match=message):
        make()
