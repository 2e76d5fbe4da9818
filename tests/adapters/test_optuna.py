"""Optuna through the adapter against Optuna alone: the same proposals, the same trials stopped."""

import copy
import logging
import math
import pickle
import warnings
import zlib

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from scipy import stats

from algorithms.adapters.optuna import PRUNERS, OptunaPruner, OptunaSearcher
from algorithms.random_search import RandomSearch
from benchmark.tuner import Budget, Outcome, TuningLoop
from objectives import OBJECTIVES
from objectives.space import FIDELITY, Categorical, Condition, Ordinal, Space

SPACES = {
    "mixed": Space(
        {
            "rate": stats.loguniform(1e-4, 1),
            "width": stats.randint(8, 65),
            "activation": Categorical(["relu", "tanh", "sigmoid"]),
            "momentum": stats.uniform(0, 0.99),
        }
    ),
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
    **{name: make().space for name, make in OBJECTIVES.items()},
}
DEFAULTS = {
    "mixed": {"rate": 0.1, "width": 32, "activation": "tanh", "momentum": 0.9},
    "conditional": {"layers": 2, "width_1": 64, "width_2": 32, "optimizer": "adam"},
}
SMALL = ("mixed", "conditional")
by_outstanding = pytest.mark.parametrize("outstanding", [1, 3])
by_pruner = pytest.mark.parametrize("pruner", PRUNERS)

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
MAX_EPOCHS = 7


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """The Gaussian process of Optuna computes with torch."""


def toy_error(config):
    """An error in [0, 1) that depends on every value, the fidelity included."""
    return zlib.crc32(repr(sorted(config.items())).encode()) / 2**32


def crashing_error(config):
    """Of four trials, about one crashes and one ties with others."""
    error = toy_error(config)
    return math.inf if error < 0.25 else max(error, 0.5)


def seed_of(seed):
    """The seed that the adapter takes from its generator."""
    return int(np.random.default_rng(seed).integers(2**31 - 1))


def quiet(make, **arguments):
    """Something experimental of Optuna, built without its warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return make(**arguments)


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
                values[name] = trial.suggest_int(name, axis["low"], axis["high"])
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


def adapted(searcher, count, outstanding, error_of):
    """What the adapter proposes in the same loop."""
    proposed, running = [], []
    for _ in range(count):
        config = searcher.sample_configuration()
        proposed.append(dict(config))
        running.append(config)
        if len(running) >= outstanding:
            told = running.pop(len(running) // 2)
            searcher.update(told, error_of(told))
    return proposed


def make(space, seed=0, default=None, **options):
    return OptunaSearcher(SPACES[space], rng=np.random.default_rng(seed), initial_config=default, **options)


# The searcher


@by_outstanding
@pytest.mark.parametrize("space", SPACES)
def test_tpe_proposes_what_optuna_proposes_alone(space, outstanding):
    """Sixty trials, bit by bit, some failed and some tied, past the random ones at the start."""
    sampler = optuna.samplers.TPESampler(seed=seed_of(3))
    expected = alone(sampler, space, 60, outstanding, crashing_error)
    assert adapted(make(space, 3), 60, outstanding, crashing_error) == expected
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
    assert adapted(searcher, count, outstanding, toy_error) == expected
    assert expected[0] == DEFAULTS[space]


def test_models_are_used():
    """After the random trials at the start, the samplers that learn propose other than the random one."""
    for space in SMALL:
        random = adapted(make(space, sampler="random"), 12, 1, toy_error)
        for sampler in ("tpe", "gp", "cmaes"):
            assert adapted(make(space, sampler=sampler), 12, 1, toy_error)[-1] != random[-1], (space, sampler)


def test_tpe_learns():
    """TPE finds a planted optimum in a conditional space that random search of the same length misses."""

    def error_of(config):
        return abs(config["layers"] - 3) + abs(config.get("width_3", 0) - 150) / 200 + (config["width_1"] != 128)

    best = {
        sampler: np.mean([min(map(error_of, adapted(make("conditional", seed, sampler=sampler), 60, 1, error_of)))
                          for seed in range(5)])
        for sampler in ("tpe", "random")
    }  # fmt: skip
    assert best["tpe"] < best["random"] / 2


def test_a_distribution_that_optuna_does_not_know_is_sampled_as_ours():
    """A normal distribution goes in as its quantile, and the default comes out as it was given."""
    space = Space({"x": stats.norm(3.0, 0.5), "k": stats.binom(10, 0.3)})
    default = {"x": 3.3333333333333335, "k": 2}
    searcher = OptunaSearcher(space, rng=np.random.default_rng(0), initial_config=default, sampler="random")
    proposed = adapted(searcher, 400, 1, toy_error)
    assert proposed[0] == default
    assert np.mean([config["x"] for config in proposed]) == pytest.approx(3.0, abs=0.1)
    assert np.mean([config["k"] for config in proposed]) == pytest.approx(3.0, abs=0.3)


def test_what_is_lacking_depends_on_the_sampler_the_space_and_the_scheduler():
    """TPE knows conditions, the others only where there are none; a pruner of Optuna brings fidelities."""
    assert set(make("conditional", sampler="tpe").lacks) == {"fidelity"}
    assert set(make("conditional", sampler="gp").lacks) == {"fidelity", "conditions"}
    assert set(make("mixed", sampler="gp").lacks) == {"fidelity"}
    scheduler = make_pruner("median", make("conditional", sampler="cmaes"))
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
    assert adapted(searcher, 12, 3, toy_error) == adapted(liar_off, 12, 3, toy_error)
    assert adapted(searcher, 8, 3, toy_error) != adapted(liar_off, 8, 3, toy_error)
    assert sum(trial.state == TrialState.RUNNING for trial in searcher.study.trials) == 4


def test_unscrambled_points_can_be_asked_for():
    """Scrambled unless the options say otherwise; then seeds make no difference but to the first."""
    runs = [adapted(make("mixed", seed, sampler="qmc"), 6, 1, toy_error) for seed in (1, 2)]
    plain = [
        adapted(make("mixed", seed, sampler="qmc", options={"scramble": False}), 6, 1, toy_error) for seed in (1, 2)
    ]
    assert runs[0][1:] != runs[1][1:]
    assert plain[0][1:] == plain[1][1:]


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "random", "qmc"])
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda searcher: pickle.loads(pickle.dumps(searcher))])
def test_a_copy_in_mid_run_goes_on_alike(sampler, clone):
    """The study, its sampler's generator and the running trials are copied."""
    options = {} if sampler in ("random", "qmc") else {"n_startup_trials": 3}
    searcher = make("mixed", sampler=sampler, options=options)
    adapted(searcher, 5, 1 if sampler == "gp" else 3, toy_error)
    twin = clone(searcher)
    count = 1 if sampler == "gp" else 5
    assert adapted(twin, count, 1, toy_error) == adapted(searcher, count, 1, toy_error)


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "random", "qmc"])
def test_silence(sampler, caplog, capfd):
    """Nothing is logged, printed or warned, and the level of Optuna's logger is left as it was."""
    logger = logging.getLogger("optuna")
    logger.addHandler(caplog.handler)
    level = logger.level
    try:
        options = {} if sampler in ("random", "qmc") else {"n_startup_trials": 2}
        adapted(make("conditional", sampler=sampler, options=options), 6, 2, toy_error)
    finally:
        logger.removeHandler(caplog.handler)
    assert not caplog.records
    assert "".join(capfd.readouterr()) == ""
    assert logger.level == level


@pytest.mark.parametrize(
    ("options", "said"),
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
def test_bad_options_are_refused(options, said):
    """By name, with the nearest one; what Optuna has deprecated may have no effect, so it is refused too."""
    with pytest.raises(ValueError, match=said):
        make("mixed", **options)


# The pruner


def curve_error(config):
    """A learning curve that falls to its own floor, with bumps, from above one half."""
    base = toy_error({name: value for name, value in config.items() if name != FIDELITY})
    bump = toy_error(config) * 0.2
    return base * 0.6 + 0.5 / config[FIDELITY] + bump


def prune_alone(pruner, sampler, seed, count, epochs, error_of=curve_error):
    """Optuna's documented loop: (configuration, last epoch, state) of each trial."""
    study = quiet(
        optuna.create_study,
        study_name=f"incumbent-{seed}",
        sampler=sampler,
        pruner=quiet(PRUNER_CLASSES[pruner], **PRUNER_OPTIONS[pruner]),
    )
    for _ in range(count):
        trial = study.ask()
        values = {
            "rate": trial.suggest_float("rate", 1e-4, 1, log=True),
            "width": trial.suggest_int("width", 8, 64),
            "activation": trial.suggest_categorical("activation", ["relu", "tanh", "sigmoid"]),
            "momentum": trial.suggest_float("momentum", 0, 0.99),
        }
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
    return summary(study)


def summary(study):
    return [(trial.params, trial.intermediate_values, trial.state) for trial in study.trials]


def drive(scheduler, space, evaluations, n_workers=1, error_of=curve_error):
    """Run the tuning loop; every job it started."""
    budget = Budget(evaluations=evaluations)
    loop = TuningLoop(scheduler, check=space.check, max_epochs=MAX_EPOCHS, budget=budget, n_workers=n_workers)
    jobs, steps = [], loop.run()
    try:
        job = next(steps)
        while True:
            jobs.append(job)
            end = job.start + job.epochs - job.start_epoch
            job = steps.send(Outcome(error=error_of(job.suggestion), epochs=job.epochs, end=end))
    except StopIteration:
        return jobs


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
    scheduler = make_pruner(pruner, make("mixed", 4), interval=interval)
    drive(scheduler, SPACES["mixed"], sum(len(values) for _, values, _ in expected))
    assert summary(scheduler.study) == expected
    assert {state for *_, state in expected} == {TrialState.COMPLETE, TrialState.PRUNED}


@by_pruner
def test_a_pruner_over_another_searcher_decides_as_optuna_alone(pruner):
    """The same errors in the same order stop the same trials, whoever proposes, crashed ones among them."""

    def error_of(config):
        return math.inf if toy_error(config) < 0.03 else curve_error(config)

    searcher = RandomSearch(SPACES["mixed"], rng=np.random.default_rng(0))
    scheduler = make_pruner(pruner, searcher)
    drive(scheduler, SPACES["mixed"], 150, error_of=error_of)
    rng, curves = np.random.default_rng(0), []
    for _ in scheduler.study.trials:
        curves.append(SPACES["mixed"].sample(rng))
    study = optuna.create_study(
        study_name=f"incumbent-{seed_of(9)}",
        sampler=optuna.samplers.RandomSampler(0),
        pruner=quiet(PRUNER_CLASSES[pruner], **PRUNER_OPTIONS[pruner]),
    )
    for config in curves:
        trial = study.ask()
        for epoch in range(1, MAX_EPOCHS + 1):
            error = error_of({**config, FIDELITY: epoch})
            if error == math.inf:
                study.tell(trial, state=TrialState.FAIL)
                break
            trial.report(error, epoch)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, error)
    assert summary(scheduler.study)[:-1] == summary(study)[:-1]  # The budget cuts the last one.
    assert len({trial.state for trial in scheduler.study.trials[:-1]}) == 3


@pytest.mark.parametrize("n_workers", [1, 3])
def test_trials_that_go_on_come_first(n_workers):
    """A trial's epochs follow one another without a pause, and none is trained twice."""
    scheduler = make_pruner("median", make("mixed", 2))
    jobs = drive(scheduler, SPACES["mixed"], 80, n_workers)
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
        scheduler = make_pruner("hyperband", RandomSearch(SPACES["mixed"], rng=rng), seed=seed)
        drive(scheduler, SPACES["mixed"], 120)
        return [len(trial.intermediate_values) for trial in scheduler.study.trials]

    assert lengths(1) == lengths(1)
    assert lengths(1) != lengths(2)


@by_pruner
def test_a_copied_pruner_goes_on_alike(pruner):
    """Made while trials are under way, before they are told."""
    scheduler = make_pruner(pruner, make("mixed", 5))
    drive(scheduler, SPACES["mixed"], 30)
    twin = copy.deepcopy(scheduler)
    before = len(scheduler.study.trials)
    for each in (scheduler, twin):
        drive(each, SPACES["mixed"], 30)
    assert summary(twin.study) == summary(scheduler.study)
    assert len(scheduler.study.trials) > before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pruner": "medium"}, r"pruner = 'medium': not one of .*did you mean median\?"),
        ({"interval": 0}, "interval = 0: need a whole number >= 1"),
        ({"pruner": "percentile"}, "percentile needs 'percentile'"),
        ({"pruner": "threshold"}, "ThresholdPruner refuses them"),
        ({"options": {"n_warmup_step": 1}}, r"did you mean n_warmup_steps\?"),
        ({"options": {"n_startup_trials": -1}}, "MedianPruner refuses them"),
    ],
)
def test_bad_options_of_a_pruner_are_refused(options, said):
    """Unknown, missing, or refused by Optuna itself."""
    with pytest.raises(ValueError, match=said):
        OptunaPruner(make("mixed"), max_epochs=MAX_EPOCHS, rng=np.random.default_rng(0), **options)
