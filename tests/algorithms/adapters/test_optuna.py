"""Optuna's samplers through the adapter against Optuna alone: the same proposals."""

import copy
import logging
import math
import pickle

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from scipy import stats

from algorithms.adapters.optuna_pruners import OptunaPruner
from algorithms.adapters.optuna_samplers import OptunaSearcher
from benchmark.checking.toy_tasks import toy_error
from objectives import OBJECTIVES
from objectives.space import FIDELITY, Categorical, Condition, Ordinal, Space
from tests.algorithms.adapters.studies import MIXED, quiet
from tests.algorithms.driving import proposals, seed_of
from tests.objectives.external.programs import OPTIONS

SPACES = {
    "mixed": MIXED,
    "conditional": Space(
        {
            "layers": stats.randint(1, 4),
            "width_1": Ordinal([16, 32, 64, 128]),
            "width_2": Ordinal([16, 32, 64, 128]),
            "width_3": stats.randint(4, 200),
            "optimizer": Categorical(["sgd", "adam"]),
            "momentum": stats.uniform(0, 1),
        },
        conditions={
            "width_2": Condition(parent="layers", values=(2, 3)),
            "width_3": Condition(parent="layers", values=(3,)),
            "momentum": Condition(parent="optimizer", values=("sgd",)),
        },
    ),
    **{name: make(**OPTIONS.get(name, {})).space for name, make in OBJECTIVES.items()},
}
DEFAULTS = {
    "mixed": {"rate": 0.1, "width": 32, "activation": "tanh", "momentum": 0.9},
    "conditional": {"layers": 2, "width_1": 64, "width_2": 32, "optimizer": "adam"},
}
SMALL = ("mixed", "conditional")
by_outstanding = pytest.mark.parametrize("outstanding", [1, 3])


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """The Gaussian process of Optuna computes with torch."""


def crashing_error(config):
    """Of four trials, about one crashes and one ties with others."""
    error = toy_error(config)
    return math.inf if error < 0.25 else max(error, 0.5)


def alone(sampler, space, count, outstanding, error_of, default=None):
    """What Optuna proposes in a plain loop by ask and tell, conditions being plain ifs."""
    description = SPACES[space].describe()
    study = optuna.create_study(sampler=sampler)
    if default is not None:
        everything = {"width_3": 102, "momentum": 0.5} if space == "conditional" else {}
        study.enqueue_trial(outward({**everything, **default}, description))
    proposed, running = [], []
    for _ in range(count):
        trial, values = study.ask(), {}
        for name, axis in description.items():
            when = axis.get("when")
            counts = when is None or values.get(when["parent"]) in when["values"]
            if not counts and not isinstance(sampler, optuna.samplers.CmaEsSampler):
                continue
            if axis["kind"] == "categorical":
                values[name] = trial.suggest_categorical(name, axis["choices"])
            elif axis["kind"] == "ordinal":
                values[name] = axis["choices"][trial.suggest_int(name, 0, len(axis["choices"]) - 1)]
            elif axis["kind"] == "int":
                values[name] = trial.suggest_int(name, axis["low"], axis["high"], log=axis.get("log", False))
            else:
                values[name] = trial.suggest_float(name, axis["low"], axis["high"], log=axis["log"])
        values = SPACES[space].check(values)
        proposed.append(values)
        running.append((trial, values))
        if len(running) >= outstanding:
            config = running[len(running) // 2][1]
            place = [values for _, values in running].index(config)  # Of equal configurations the earliest.
            told, _ = running.pop(place)
            error = error_of(config)
            if error == math.inf:
                study.tell(told, state=TrialState.FAIL)
            else:
                study.tell(told, error)
    return proposed


def outward(config, description):
    """A configuration with ordinals as places in their lists."""
    return {
        name: description[name]["choices"].index(value) if description[name]["kind"] == "ordinal" else value
        for name, value in config.items()
    }


def make(space, seed=0, default=None, **options):
    return OptunaSearcher(SPACES[space], rng=np.random.default_rng(seed), initial_config=default, **options)


@by_outstanding
@pytest.mark.parametrize("space", SPACES)
def test_tpe_proposes_what_optuna_proposes_alone(space, outstanding):
    """Sixty trials, bit by bit, some failed and some tied, past the random ones at the start."""
    sampler = optuna.samplers.TPESampler(seed=seed_of(3))
    expected = alone(sampler, space, 60, outstanding, crashing_error)
    assert proposals(make(space, 3), 60, crashing_error, outstanding) == expected
    assert len({repr(config) for config in expected}) > 30


@by_outstanding
@pytest.mark.parametrize("space", SMALL)
@pytest.mark.parametrize(
    ("name", "sampler", "options", "count"),
    [
        ("random", optuna.samplers.RandomSampler, {}, 40),
        ("cmaes", optuna.samplers.CmaEsSampler, {}, 40),
        ("cmaes", optuna.samplers.CmaEsSampler, {"with_margin": True, "popsize": 5}, 40),
        ("qmc", optuna.samplers.QMCSampler, {}, 20),
        ("tpe", optuna.samplers.TPESampler, {"group": True, "n_startup_trials": 5}, 40),
        ("gp", optuna.samplers.GPSampler, {"n_startup_trials": 3}, 7),
    ],
)
def test_other_samplers_propose_what_optuna_proposes_alone(name, sampler, options, count, space, outstanding):
    """With the default enqueued, options given by name, and nothing logged."""
    scrambled = {"scramble": True} if name == "qmc" else {}
    expected = alone(
        quiet(sampler, seed=seed_of(1), **scrambled, **options),
        space,
        count,
        outstanding,
        toy_error,
        default=DEFAULTS[space],
    )
    searcher = make(space, 1, default=DEFAULTS[space], sampler=name, options=options)
    assert proposals(searcher, count, outstanding=outstanding) == expected
    assert expected[0] == DEFAULTS[space]


def test_models_are_used():
    """After the random trials at the start, the samplers that learn propose other than the random one."""
    for space in SMALL:
        random = proposals(make(space, sampler="random"), 12)
        for sampler in ("tpe", "gp", "cmaes"):
            assert proposals(make(space, sampler=sampler), 12)[-1] != random[-1], (space, sampler)


def test_tpe_learns():
    """TPE finds a planted optimum in a conditional space that random search of the same length misses."""

    def error_of(config):
        return abs(config["layers"] - 3) + abs(config.get("width_3", 0) - 150) / 200 + (config["width_1"] != 128)

    best = {
        sampler: np.mean([min(map(error_of, proposals(make("conditional", seed, sampler=sampler), 60, error_of)))
                          for seed in range(5)])
        for sampler in ("tpe", "random")
    }  # fmt: skip
    assert best["tpe"] < best["random"] / 2


def test_a_distribution_that_optuna_does_not_know_is_sampled_as_ours():
    """A normal distribution goes in as its quantile, and the default comes out as it was given."""
    space = Space({"x": stats.norm(3.0, 0.5), "k": stats.binom(10, 0.3)})
    default = {"x": 3.3333333333333335, "k": 2}
    searcher = OptunaSearcher(space, rng=np.random.default_rng(0), initial_config=default, sampler="random")
    proposed = proposals(searcher, 400)
    assert proposed[0] == default
    assert np.mean([config["x"] for config in proposed]) == pytest.approx(3.0, abs=0.1)
    assert np.mean([config["k"] for config in proposed]) == pytest.approx(3.0, abs=0.3)


def test_what_is_lacking_depends_on_the_sampler_the_space_and_the_scheduler():
    """TPE knows conditions, the others only where there are none; a pruner of Optuna brings fidelities."""
    assert set(make("conditional", sampler="tpe").lacks) == {"fidelity"}
    assert set(make("conditional", sampler="gp").lacks) == {"fidelity", "conditions"}
    assert set(make("mixed", sampler="gp").lacks) == {"fidelity"}
    searcher = make("conditional", sampler="cmaes")
    scheduler = OptunaPruner(searcher, max_epochs=7, rng=np.random.default_rng(9), pruner="median")
    assert set(scheduler.searcher.lacks) == {"conditions", "pending"}


def test_a_crashed_trial_is_a_failed_one():
    """Its configuration is in the study, without a value; a later result of a told one is ignored."""
    searcher = make("mixed")
    for error in (math.inf, 0.5):
        config = searcher.sample_configuration()
        searcher.update({**config, FIDELITY: 1}, error)
        searcher.update({**config, FIDELITY: 2}, 0.1)
    assert [(trial.state, trial.value) for trial in searcher.study.trials] == [
        (TrialState.FAIL, None),
        (TrialState.COMPLETE, 0.5),
    ]


def test_outstanding_proposals_are_running_trials():
    """Constant liar sees them: TPE proposes otherwise than if they were not there."""
    searcher, liar_off = (make("mixed", options={"constant_liar": liar}) for liar in (True, False))
    assert proposals(searcher, 12, outstanding=3) == proposals(liar_off, 12, outstanding=3)
    assert proposals(searcher, 8, outstanding=3) != proposals(liar_off, 8, outstanding=3)
    assert sum(trial.state == TrialState.RUNNING for trial in searcher.study.trials) == 4


def test_unscrambled_points_can_be_asked_for():
    """Scrambled unless the options say otherwise; then seeds make no difference but to the first."""
    runs = [proposals(make("mixed", seed, sampler="qmc"), 6) for seed in (1, 2)]
    plain = [proposals(make("mixed", seed, sampler="qmc", options={"scramble": False}), 6) for seed in (1, 2)]
    assert runs[0][1:] != runs[1][1:]
    assert plain[0][1:] == plain[1][1:]


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "random", "qmc"])
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda searcher: pickle.loads(pickle.dumps(searcher))])
def test_a_copy_in_mid_run_goes_on_alike(sampler, clone):
    """The study, its sampler's generator and the running trials are copied."""
    options = {} if sampler in ("random", "qmc") else {"n_startup_trials": 3}
    searcher = make("mixed", sampler=sampler, options=options)
    proposals(searcher, 5, outstanding=1 if sampler == "gp" else 3)
    twin = clone(searcher)
    count = 1 if sampler == "gp" else 5
    assert proposals(twin, count) == proposals(searcher, count)


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "random", "qmc"])
def test_silence(sampler, caplog, capfd):
    """Nothing is logged, printed or warned, and the level of Optuna's logger is left as it was."""
    logger = logging.getLogger("optuna")
    logger.addHandler(caplog.handler)
    level = logger.level
    try:
        options = {} if sampler in ("random", "qmc") else {"n_startup_trials": 2}
        proposals(make("conditional", sampler=sampler, options=options), 6, outstanding=2)
    finally:
        logger.removeHandler(caplog.handler)
    assert not caplog.records
    assert "".join(capfd.readouterr()) == ""
    assert logger.level == level


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "tpi"}, r"sampler = 'tpi': not one of tpe, .* \(did you mean tpe\?\)"),
        ({"options": {"n_startup_trails": 3}}, r"tpe has no 'n_startup_trails', .*did you mean n_startup_trials\?"),
        ({"options": {"seed": 3}}, "tpe has no 'seed'"),
        ({"options": {"n_startup_trials": True}}, "n_startup_trials = True: need a whole number"),
        ({"options": {"constant_liar": 1}}, "constant_liar = 1: need true or false"),
        ({"options": {"prior_weight": 2.0}}, "TPESampler refuses them: .*deprecated"),
        ({"sampler": "qmc", "options": {"qmc_type": "sobel"}}, "QMCSampler refuses them"),
        ({"options": [3]}, "need a table"),
    ],
)
def test_bad_options_are_refused(options, message):
    """By name, with the nearest one; what Optuna has deprecated may have no effect, so it is refused too."""
    with pytest.raises(ValueError, match=message):
        make("mixed", **options)
