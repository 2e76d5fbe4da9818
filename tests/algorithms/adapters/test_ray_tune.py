"""Ray Tune through its adapters decides what Ray Tune decides alone, and starts nothing."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from algorithms.searchers.random_search import RandomSearch
from benchmark.reproducibility.seeding import PrivateGenerators
from objectives.space import FIDELITY, Categorical, Condition, Space
from tests import ROOT
from tests.algorithms.adapters.curves import DEFAULT, MAX_EPOCHS, SPACE, drive, error_of, trained
from tests.algorithms.driving import proposals, seed_of

pytest.importorskip("ray.tune", reason="ray.tune is not installed: make adapters")

from algorithms.adapters.ray_search import OPTIONS, RayTuneSearcher
from algorithms.adapters.ray_tune import RayTuneScheduler
from algorithms.interop.containment import silent

with silent():
    from ray import tune
    from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule
    from ray.tune.search.bayesopt import BayesOptSearch
    from ray.tune.search.hyperopt import HyperOptSearch
    from ray.tune.search.nevergrad import NevergradSearch
    from ray.tune.search.optuna import OptunaSearch

DECLARED = {
    "rate": tune.loguniform(1e-4, 1.0),
    "momentum": tune.uniform(0.0, 1.0),
    "width": tune.randint(8, 65),
    "activation": tune.choice(["relu", "tanh", "sigmoid"]),
    "batch_size": tune.randint(0, 4),
}
CUBE = {name: tune.uniform(0.0, 1.0) for name in SPACE}
FIRST = {**DEFAULT, "batch_size": 2}
TRIALS = {"random": 30, "optuna": 30, "hyperopt": 40, "nevergrad": 30, "bayesopt": 13}


def private_generators(seed):
    """A context with global generators of its own, as every run of the harness has."""
    return PrivateGenerators(np.random.SeedSequence(seed)).active()


def searcher(method, space=SPACE, default=DEFAULT, **options):
    return RayTuneSearcher(space, rng=np.random.default_rng(1), initial_config=default, method=method, options=options)


def random_alone(trials, folder):
    """Ray's own generator of random trials, which wants an experiment with a folder."""
    from ray.tune.experiment import Experiment
    from ray.tune.search import BasicVariantGenerator

    generator = BasicVariantGenerator(points_to_evaluate=[dict(FIRST)], random_state=seed_of(1))
    generator.add_configurations(
        [Experiment("it", run=lambda config: None, config=dict(DECLARED), num_samples=trials, storage_path=str(folder))]
    )
    return [generator.next_trial().config for _ in range(trials)]


def library(method):
    """A searcher of the library, declared by hand."""
    seed, shared = seed_of(1), {"metric": "loss", "mode": "min", "points_to_evaluate": [dict(FIRST)]}
    if method == "nevergrad":
        import nevergrad

        space = NevergradSearch.convert_search_space(dict(DECLARED))
        space.random_state = np.random.RandomState(seed)
        return NevergradSearch(optimizer=nevergrad.optimizers.OnePlusOne, space=space, **shared)
    if method == "bayesopt":
        places = dict(zip(SPACE, SPACE.encode(DEFAULT).tolist(), strict=True))
        made = BayesOptSearch(random_state=seed, **{**shared, "points_to_evaluate": [places]})
        made.set_search_properties(None, None, dict(CUBE))
        return made
    made = OptunaSearch(seed=seed, **shared) if method == "optuna" else HyperOptSearch(random_state_seed=seed, **shared)
    made.set_search_properties(None, None, dict(DECLARED))
    return made


def ours(method, values):
    """A configuration of the library's in our terms."""
    if method == "bayesopt":
        return SPACE.decode(np.array([values[name] for name in SPACE]))
    index = int(values["batch_size"])
    return {name: {**values, "batch_size": SPACE.axes["batch_size"].choices[index]}[name] for name in SPACE}


def alone(method, trials):
    """What the library proposes in a plain loop, without an adapter."""
    made, found = library(method), []
    for number in range(trials):
        values = made.suggest(f"trial {number}")
        found.append(ours(method, values) if number else dict(DEFAULT))  # But for rounding in logarithms.
        made.on_trial_complete(f"trial {number}", {"loss": error_of(found[-1])})
    return found


@pytest.mark.parametrize("method", OPTIONS)
def test_proposals_are_those_of_the_library_alone(method, tmp_path):
    """With the same seed and the same results the library proposes the same, with an adapter and without."""
    with private_generators(0), silent():
        if method == "random":
            expected = [ours(method, config) for config in random_alone(TRIALS[method], tmp_path)]
        else:
            expected = alone(method, TRIALS[method])
    with private_generators(0):
        found = proposals(searcher(method), TRIALS[method], error_of)
    assert found == expected
    assert found[0] == DEFAULT


class Trial:
    """What Ray's schedulers read of a trial."""

    def __init__(self, number):
        self.trial_id, self.status = str(number), "RUNNING"


class Controller:
    """What Ray's schedulers ask of the controller."""

    def get_live_trials(self):
        return []


def reports_alone(made, trials):
    """The library's loop with one worker, every epoch reported; configuration and epochs of each trial."""
    found, proposed = [], RandomSearch(SPACE, rng=np.random.default_rng(5), initial_config=DEFAULT)
    for number in range(trials):
        config, trial = proposed.sample_configuration(), Trial(number)
        made.on_trial_add(Controller(), trial)
        for epoch in range(1, MAX_EPOCHS + 1):
            result = {"loss": error_of(config, epoch), "training_iteration": epoch}
            ended = isinstance(made, MedianStoppingRule) and epoch == MAX_EPOCHS  # By Tune's `stop`.
            if ended or made.on_trial_result(Controller(), trial, result) == "STOP":
                made.on_trial_complete(Controller(), trial, result)
                break
        found.append((config, epoch))
    return found


def scheduler(method, max_epochs=MAX_EPOCHS, **options):
    proposed = RandomSearch(SPACE, rng=np.random.default_rng(5), initial_config=DEFAULT)
    return RayTuneScheduler(proposed, max_epochs=max_epochs, method=method, options=options)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("asha", {}),
        ("asha", {"grace_period": 2, "reduction_factor": 2, "brackets": 2}),
        ("asha", {"reduction_factor": 2.5}),
        ("median", {"grace_period": 1}),
        ("median", {"grace_period": 3, "min_samples_required": 5}),
    ],
)
def test_decisions_are_those_of_the_library_alone(method, options):
    """Every trial trains as long as in a loop around Ray's scheduler that reports every epoch."""
    shared = {"metric": "loss", "mode": "min", "time_attr": "training_iteration"}
    with private_generators(0), silent():
        if method == "asha":
            expected = reports_alone(AsyncHyperBandScheduler(max_t=MAX_EPOCHS, **shared, **options), 60)
        else:
            expected = reports_alone(MedianStoppingRule(**shared, **options), 60)
    with private_generators(0):
        found, reports = trained(scheduler(method, **options), 60)
    assert found == expected
    assert len({epochs for _, epochs in found}) > 1
    epochs_trained = sum(epochs for _, epochs in found)
    assert reports < epochs_trained if method == "asha" else reports == epochs_trained


def test_hyperband_by_hand():
    """Nine epochs, a third goes on: brackets of 3, 5 and 9 trials, as Ray counts them, each halved on its best."""
    with private_generators(0):
        jobs = drive(scheduler("hyperband"), error_of, 1, 23)
    reached = {}
    for job in jobs:
        reached.setdefault(job.trial, []).append(job.epochs)
    brackets = {first: [t for t, epochs in reached.items() if epochs[0] == first] for first in (9, 3, 1)}
    assert {first: len(trials) for first, trials in brackets.items()} == {9: 3, 3: 5, 1: 9}
    config_of = {job.trial: job.config for job in jobs}
    for first, kept, then in ((3, 2, 9), (1, 3, 3)):
        ranked = sorted(brackets[first], key=lambda trial, first=first: error_of(config_of[trial], first))
        assert {trial for trial in ranked if then in reached[trial]} == set(ranked[:kept])
    assert sorted(map(len, reached.values())) == [1] * (3 + 3 + 6) + [2] * (2 + 2) + [3]


@pytest.mark.parametrize("method", ["asha", "median", "hyperband"])
@pytest.mark.parametrize("crash", [False, True])
def test_runs_of_many_workers(method, crash):
    """With results out of order and crashes a run goes on, and no crashed trial is continued."""

    def tell(config, epochs):
        return math.inf if crash and config["width"] % 4 == 0 else error_of(config, epochs)

    with private_generators(0):
        jobs = drive(scheduler(method), tell, 4, 120)
    assert len(jobs) == 120
    waiting = {}
    for job in jobs:
        assert job.start_epoch == waiting.pop(job.trial, 0) < job.epochs
        if math.isfinite(tell(job.config, job.epochs)):
            waiting[job.trial] = job.epochs
    assert any(job.start_epoch for job in jobs)
    if crash:
        assert any(job.config["width"] % 4 == 0 for job in jobs)


def test_the_searcher_is_told_every_result():
    """Whatever becomes of a trial, its errors reach the searcher with their epochs."""

    class Told(RandomSearch):
        def update(self, config, error, additional_info=None):
            updates.append((config[FIDELITY], error))

    updates = []
    made = RayTuneScheduler(Told(SPACE, rng=np.random.default_rng(0)), max_epochs=MAX_EPOCHS)
    with private_generators(0):
        for error in (0.5, 0.4, 0.3, math.inf):
            made.update(made.suggest(), error)
    assert updates == [(1, 0.5), (4, 0.4), (9, 0.3), (1, math.inf)]


@pytest.mark.parametrize("method", OPTIONS)
def test_crashed_trials_do_not_stop_a_search(method):
    """A searcher whose first trials crash goes on, and takes none of them for a good one."""
    space = Space({"momentum": stats.uniform(0, 1)})
    with private_generators(0):
        made = searcher(method, space, None)
        found = proposals(made, 13, lambda config: math.inf if config["momentum"] < 0.5 else config["momentum"])
    assert all(space.check(config) == config for config in found)
    if method == "bayesopt":
        assert len(made.searcher.optimizer.space) == sum(config["momentum"] >= 0.5 for config in found)


def test_bayesopt_waits_for_its_random_trials():
    """It proposes ten configurations, and then nothing until their results are in."""
    made = searcher("bayesopt")
    asked = [made.sample_configuration() for _ in range(12)]
    assert [config is None for config in asked] == [False] * 10 + [True] * 2
    for config in asked[:10]:
        made.update(config, error_of(config))
    assert made.sample_configuration() is not None


def test_partial_results_are_told_once():
    """Told the same configuration at 1, 3 and 9 epochs, a searcher learns the first result."""
    made = searcher("optuna")
    with private_generators(0):
        config = made.sample_configuration()
        for epochs, error in ((1, 0.9), (3, 0.5), (9, 0.1)):
            made.update({**config, FIDELITY: epochs}, error)
    assert [trial.value for trial in made.searcher._ot_study.trials] == [0.9]


@pytest.mark.parametrize("method", OPTIONS)
def test_conditions_and_categories_of_several_types(method):
    """Values that do not count are dropped, and categories come back in their own types."""
    space = Space(
        {"layers": stats.randint(1, 4), "width_2": stats.randint(8, 65), "mixed": Categorical([3, "a", 2.5, True])},
        {"width_2": Condition(parent="layers", values=(2, 3))},
    )
    default = {"layers": 1, "mixed": "a"}
    trials = 11 if method == "bayesopt" else 25
    with private_generators(0):
        found = proposals(searcher(method, space, default), trials, lambda config: config["layers"] / 3)
    assert found[0] == default
    assert all(space.check(config) == config for config in found)
    assert {"width_2" in config for config in found} == {True, False}


@pytest.mark.parametrize("method", OPTIONS)
def test_a_space_of_one_configuration(method):
    """Where there is nothing to search, the one configuration is proposed again and again."""
    space = Space({"width": stats.randint(3, 4), "activation": Categorical(["relu"])})
    assert proposals(searcher(method, space, None), 3, lambda config: 0.5) == [{"width": 3, "activation": "relu"}] * 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: searcher("hebo"), "method = 'hebo': not one of random, optuna, hyperopt, nevergrad, bayesopt"),
        (lambda: searcher("optuna", seed=3), "options.seed = 3: optuna has no such option, it has: none"),
        (lambda: searcher("nevergrad", optimizer="NGOp"), "options.optimizer = 'NGOp': .*NGOpt?"),
        (lambda: searcher("bayesopt", patience=0), "bayesopt refuses them .patience must be set"),
        (lambda: scheduler("hyperban"), "method = 'hyperban': not one of asha, median, hyperband; hyperband?"),
        (lambda: scheduler("asha", grace_period=20), "asha refuses them .grace_period must be <= max_t"),
        (lambda: scheduler("median", hard_stop=False), "options.hard_stop = False: median has no such option"),
    ],
)
def test_bad_options_are_refused(make, message):
    """A bad option is a ValueError with its name, its value and what is allowed."""
    with pytest.raises(ValueError, match=message):
        make()


PROBE = """
import json, logging, os, random, sys, threading, warnings
import numpy, scipy.stats, sklearn, torch, objectives.space, pandas
def state():
    words = numpy.random.get_state()[1].tolist()
    return [random.getstate()[1], words, torch.get_rng_state().tolist(), sorted(os.environ.items()),
            repr(sys.excepthook), [repr(each) for each in warnings.filters], repr(logging.getLogger().handlers)]
before = state()
import algorithms.adapters.ray_tune, algorithms.adapters.ray_search, algorithms.adapters.syne_tune
algorithms.adapters.syne_search.searcher_class("cqr")
names = "python numpy torch environment hook filters handlers".split()
moved = [name for name, one, two in zip(names, before, state()) if one != two]
import ray
print(json.dumps([moved, ray.is_initialized(), threading.active_count()]))
"""


def test_imports_leave_no_trace(tmp_path):
    """In a fresh process: no output, no file in the home folder, no thread, and all that is global as before."""
    root = ROOT
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(root)}
    environment.pop("OMP_NUM_THREADS", None)
    command = [sys.executable, "-W", "error", "-c", PROBE]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    moved, started, threads = json.loads(done.stdout)
    assert (moved, started, threads) == ([], False, 1)
    assert not any((tmp_path / name).exists() for name in ("ray_results", "syne-tune"))
