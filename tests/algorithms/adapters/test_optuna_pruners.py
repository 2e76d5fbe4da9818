"""Optuna's pruners through the adapter against Optuna alone: the same trials stopped."""

import copy
import math

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from algorithms.adapters.optuna_pruners import PRUNERS, OptunaPruner
from algorithms.adapters.optuna_samplers import OptunaSearcher
from algorithms.searchers.random_search import RandomSearch
from benchmark.checking import subject
from benchmark.checking.toy_tasks import toy_error
from benchmark.suite.model import Budget
from objectives.space import FIDELITY, Categorical, Space
from tests.algorithms import driving
from tests.algorithms.adapters.studies import MIXED, quiet
from tests.algorithms.driving import seed_of

MAX_EPOCHS = 7
PRUNER_OPTIONS = {
    "median": {"n_startup_trials": 3},
    "percentile": {"percentile": 30.0},
    "successive_halving": {"min_resource": 1, "reduction_factor": 2},
    "hyperband": {"reduction_factor": 2},
    "patient": {"patience": 1},
    "threshold": {"upper": 0.7},
}
PRUNER_CLASSES = {
    "median": optuna.pruners.MedianPruner,
    "percentile": optuna.pruners.PercentilePruner,
    "successive_halving": optuna.pruners.SuccessiveHalvingPruner,
    "hyperband": lambda **options: optuna.pruners.HyperbandPruner(max_resource=MAX_EPOCHS, **options),
    "patient": lambda **options: optuna.pruners.PatientPruner(None, **options),
    "threshold": optuna.pruners.ThresholdPruner,
}
by_pruner = pytest.mark.parametrize("pruner", PRUNERS)


def curve_error(config):
    """A learning curve that falls to its own floor, with bumps, from above one half."""
    base = toy_error({name: value for name, value in config.items() if name != FIDELITY})
    bump = toy_error(config) * 0.2
    return base * 0.6 + 0.5 / config[FIDELITY] + bump


def study_of(pruner, sampler, seed):
    """A study of Optuna's own with one of its pruners."""
    made = quiet(PRUNER_CLASSES[pruner], **PRUNER_OPTIONS[pruner])
    return quiet(optuna.create_study, study_name=f"incumbent-{seed}", sampler=sampler, pruner=made)


def train(study, trial, values, epochs, error_of=curve_error):
    """Optuna's documented loop: a trial reports after each of its epochs, until it fails, is pruned or complete."""
    for epoch in epochs:
        error = error_of({**values, FIDELITY: epoch})
        if error == math.inf:
            study.tell(trial, state=TrialState.FAIL)
            break
        trial.report(error, epoch)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            break
    else:
        study.tell(trial, error)


def prune_alone(pruner, sampler, seed, count, epochs):
    """Optuna with a sampler and a pruner in one study: a summary of each trial."""
    study = study_of(pruner, sampler, seed)
    for _ in range(count):
        trial = study.ask()
        values = {
            "rate": trial.suggest_float("rate", 1e-4, 1, log=True),
            "width": trial.suggest_int("width", 8, 64),
            "activation": trial.suggest_categorical("activation", ["relu", "tanh", "sigmoid"]),
            "momentum": trial.suggest_float("momentum", 0, 0.99),
        }
        train(study, trial, values, epochs)
    return summary(study)


def summary(study):
    """(parameters, reported errors, state) of each trial."""
    return [(trial.params, trial.intermediate_values, trial.state) for trial in study.trials]


def drive(scheduler, space, evaluations, n_workers=1, error_of=curve_error):
    """The jobs of a run with one second an epoch."""
    options = {"max_epochs": MAX_EPOCHS, "budget": Budget(evaluations=evaluations), "n_workers": n_workers}
    return subject.drive(scheduler, space, lambda job: error_of(job.suggestion), driving.punctual, **options)[0]


def tpe(seed=0):
    return OptunaSearcher(MIXED, rng=np.random.default_rng(seed))


def make_pruner(pruner, searcher, seed=9, interval=1):
    return OptunaPruner(
        searcher,
        max_epochs=MAX_EPOCHS,
        rng=np.random.default_rng(seed),
        pruner=pruner,
        interval=interval,
        options=PRUNER_OPTIONS[pruner],
    )


@by_pruner
@pytest.mark.parametrize(("interval", "epochs"), [(1, range(1, 8)), (3, (3, 6, 7))])
def test_tpe_with_a_pruner_is_optuna_alone(pruner, interval, epochs):
    """Forty trials of TPE and a pruner in one study: parameters, reported errors and states are the same."""
    expected = prune_alone(pruner, optuna.samplers.TPESampler(seed=seed_of(4)), seed_of(4), 40, epochs)
    scheduler = make_pruner(pruner, tpe(4), interval=interval)
    drive(scheduler, MIXED, sum(len(values) for _, values, _ in expected))
    assert summary(scheduler.study) == expected
    assert {state for *_, state in expected} == {TrialState.COMPLETE, TrialState.PRUNED}


@by_pruner
def test_a_pruner_over_another_searcher_decides_as_optuna_alone(pruner):
    """The same errors in the same order stop the same trials, whoever proposes, crashed ones among them."""

    def error_of(config):
        return math.inf if toy_error(config) < 0.03 else curve_error(config)

    searcher = RandomSearch(MIXED, rng=np.random.default_rng(0))
    scheduler = make_pruner(pruner, searcher)
    drive(scheduler, MIXED, 150, error_of=error_of)
    rng, curves = np.random.default_rng(0), []
    for _ in scheduler.study.trials:
        curves.append(MIXED.sample(rng))
    study = study_of(pruner, optuna.samplers.RandomSampler(0), seed_of(9))
    for config in curves:
        train(study, study.ask(), config, range(1, MAX_EPOCHS + 1), error_of)
    assert summary(scheduler.study)[:-1] == summary(study)[:-1]  # The budget cuts the last one.
    assert len({trial.state for trial in scheduler.study.trials[:-1]}) == 3


@pytest.mark.parametrize("n_workers", [1, 3])
def test_trials_that_go_on_come_first(n_workers):
    """A trial's epochs follow one another without a pause, and none is trained twice."""
    scheduler = make_pruner("median", tpe(2))
    jobs = drive(scheduler, MIXED, 80, n_workers)
    epochs = {}
    for job in jobs:
        epochs.setdefault(job.trial, []).append((job.start_epoch, job.epochs, job.start))
    for spent in epochs.values():
        assert [(first, last) for first, last, _ in spent] == [(epoch, epoch + 1) for epoch in range(len(spent))]
        assert np.diff([start for *_, start in spent]).tolist() == [1.0] * (len(spent) - 1)
    assert len(epochs) > 80 / MAX_EPOCHS


def test_two_trials_of_one_configuration_are_told_apart():
    """A space with one point: several trials train the same and end at their own epochs."""
    space = Space({"only": Categorical(["this"])})
    scheduler = make_pruner("median", RandomSearch(space, rng=np.random.default_rng(0)))
    jobs = drive(scheduler, space, 40, n_workers=3, error_of=lambda config: 0.5)
    assert {job.epochs for job in jobs} == set(range(1, MAX_EPOCHS + 1))
    assert all(trial.state == TrialState.COMPLETE for trial in scheduler.study.trials[:3])


def test_brackets_of_hyperband_repeat_with_the_seed():
    """The same generator stops the same trials, another one puts them into other brackets."""

    def lengths(seed):
        rng = np.random.default_rng(0)
        scheduler = make_pruner("hyperband", RandomSearch(MIXED, rng=rng), seed=seed)
        drive(scheduler, MIXED, 120)
        return [len(trial.intermediate_values) for trial in scheduler.study.trials]

    assert lengths(1) == lengths(1)
    assert lengths(1) != lengths(2)


@by_pruner
def test_a_copied_pruner_goes_on_alike(pruner):
    """Made while trials are under way, before they are told."""
    scheduler = make_pruner(pruner, tpe(5))
    drive(scheduler, MIXED, 30)
    twin = copy.deepcopy(scheduler)
    before = len(scheduler.study.trials)
    for each in (scheduler, twin):
        drive(each, MIXED, 30)
    assert summary(twin.study) == summary(scheduler.study)
    assert len(scheduler.study.trials) > before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pruner": "medium"}, r"pruner = 'medium': not one of .*did you mean median\?"),
        ({"interval": 0}, "interval = 0: need a whole number >= 1"),
        ({"pruner": "percentile"}, "percentile needs 'percentile'"),
        ({"pruner": "threshold"}, "ThresholdPruner refuses them"),
        ({"options": {"n_warmup_step": 1}}, r"did you mean n_warmup_steps\?"),
        ({"options": {"n_startup_trials": -1}}, "MedianPruner refuses them"),
    ],
)
def test_bad_options_of_a_pruner_are_refused(options, message):
    """Unknown, missing, or refused by Optuna itself."""
    with pytest.raises(ValueError, match=message):
        OptunaPruner(tpe(), max_epochs=MAX_EPOCHS, rng=np.random.default_rng(0), **options)
