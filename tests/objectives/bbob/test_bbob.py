"""COCO's problems as objectives against COCO called directly, and optima against the points that COCO writes."""

import importlib
import math
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmark.reproducibility.seeding import trial_seed
from objectives.bbob.noise import add_noise
from objectives.bbob.objective import Bbob
from objectives.bbob.problem import evaluate, find_scale
from objectives.bbob.suites import SUITES
from objectives.objective import Machine

needs_coco = pytest.mark.skipif(find_spec("cocoex") is None, reason="coco-experiment is not installed: make adapters")
with_coco = [pytest.mark.libraries, needs_coco]


def coco_problem(suite, function, dimension, instance):
    """The problem by COCO's own means."""
    cocoex = importlib.import_module("cocoex")
    index = function - 100 if suite == "bbob-noisy" else function
    return cocoex.Suite(suite, f"instances:{instance}", f"dimensions:{dimension} function_indices:{index}")[0]


def best_parameter(problem):
    """The optimum's place, which COCO writes into the current folder."""
    problem._best_parameter("print")
    words = Path("._bbob_problem_best_parameter.txt").read_text().split()
    return np.array([float(word) for word in words])


def trained(objective, config, repetition=0, suite_seed=1):
    (epoch,) = objective.train(config, trial_seed(suite_seed, "bbob", repetition, config), Machine())
    return epoch


def any_config(objective, seed=0):
    return objective.space.sample(np.random.default_rng(seed))


def as_config(objective, x):
    kinds = [type(value) for value in any_config(objective).values()]
    return {name: kind(value) for name, kind, value in zip(objective.space, kinds, x, strict=True)}


PROBLEMS = [
    *(("bbob", function, 5, 3) for function in (1, 8, 15, 24)),
    *(("bbob", 20, 40, 77), ("bbob-largescale", 17, 20, 4)),
    *(("bbob-mixint", function, dimension, 2) for function, dimension in ((4, 5), (10, 10), (23, 80))),
    *(("bbob-constrained", function, dimension, 6) for function, dimension in ((1, 2), (10, 5), (36, 10), (54, 3))),
    *(("bbob-biobj", function, dimension, 5) for function, dimension in ((1, 2), (27, 5), (55, 10))),
]


@pytest.mark.parametrize(("suite", "function", "dimension", "instance"), PROBLEMS)
class TestAgainstCoco:
    """Every suite without noise."""

    pytestmark = with_coco

    def test_values_and_constraints_are_cocos(self, suite, function, dimension, instance):
        """Metrics of random configurations are bit for bit what COCO's problem returns for the same point."""
        objective = Bbob(suite=suite, number=function, dimension=dimension, instance=instance)
        problem = coco_problem(suite, function, dimension, instance)
        for seed in range(5):
            config = any_config(objective, seed)
            x = np.array(list(config.values()), dtype=float)
            values = np.atleast_1d(problem(x)).tolist()
            excesses = problem.constraint(x).tolist() if problem.number_of_constraints else []
            epoch = trained(objective, config)
            assert list(epoch.metrics.values()) == values + excesses
            assert epoch.test_metrics == epoch.metrics
        assert len(objective.constraints) == problem.number_of_constraints

    def test_spaces_are_cocos(self, suite, function, dimension, instance):
        """Bounds, and how many variables are integers, are those of COCO's problem."""
        objective = Bbob(suite=suite, number=function, dimension=dimension, instance=instance)
        problem = coco_problem(suite, function, dimension, instance)
        supports = [objective.space[name].support() for name in objective.space]
        assert [low for low, _ in supports] == problem.lower_bounds.tolist()
        assert [high for _, high in supports] == problem.upper_bounds.tolist()
        integers = [isinstance(value, int) for value in any_config(objective).values()]
        count = problem.number_of_integer_variables
        assert integers == [True] * count + [False] * (dimension - count)

    def test_the_best_is_the_optimum(self, suite, function, dimension, instance, tmp_path, monkeypatch):
        """COCO's best parameter is in the space, feasible and worth `best`, and nothing that is drawn is better."""
        monkeypatch.chdir(tmp_path)
        objective = Bbob(suite=suite, number=function, dimension=dimension, instance=instance)
        bests = [metric.best for metric in objective.metrics if metric.best is not None]
        values = [list(trained(objective, any_config(objective, seed)).metrics.values()) for seed in range(100)]
        if suite != "bbob-biobj":
            config = as_config(objective, best_parameter(coco_problem(suite, function, dimension, instance)))
            metrics = trained(objective, objective.space.check(config)).metrics
            assert metrics["value"] == pytest.approx(bests[0], abs=1e-11)
            assert objective.task.is_feasible({name: min(0, value - 1e-11) for name, value in metrics.items()})
            assert max([value for name, value in metrics.items() if name != "value"], default=0) < 1e-11
        feasible = [value for value in values if all(excess <= 0 for excess in value[len(bests) :])]
        assert all(value >= best - 1e-11 for row in feasible for value, best in zip(row, bests, strict=False))


@pytest.mark.libraries
@needs_coco
def test_published_values():
    """The value of f1 at (1, 2) is in COCO's manual; optima of instance 1 are in those of the functions."""
    assert trained(Bbob(dimension=2), {"x1": 1.0, "x2": 2.0}).metrics["value"] == pytest.approx(90.00369408)
    optima = {1: 79.48, 2: -209.88, 3: -462.09, 5: -9.21, 8: 149.15, 14: -52.35, 21: 40.78, 24: 102.61}
    assert {number: Bbob(number=number).metrics[0].best for number in optima} == pytest.approx(optima)


@pytest.mark.libraries
@needs_coco
def test_ideal_and_nadir_points():
    """Where one of two functions has its optimum the other one has its nadir."""
    objective = Bbob(suite="bbob-biobj", number=17, dimension=3, instance=2)
    first, second = objective.metrics
    parts = [part.split("_")[1:3] for part in coco_problem("bbob-biobj", 17, 3, 2).name.split("__")]
    bare = importlib.import_module("cocoex").BareProblem
    places = [bare("bbob", int(f[1:]), 3, int(i[1:])).best_parameter() for f, i in parts]
    ends = [list(trained(objective, as_config(objective, place)).metrics.values()) for place in places]
    assert ends == [pytest.approx([first.best, second.reference]), pytest.approx([first.reference, second.best])]
    scaled = Bbob(suite="bbob-biobj", number=17, dimension=3, instance="repetition")
    ends = [list(trained(scaled, as_config(objective, place), repetition=1).metrics.values()) for place in places]
    assert ends == [pytest.approx([0, 1], abs=1e-9), pytest.approx([1, 0], abs=1e-9)]


NOISE_FREE = {101: (1, 1), 104: (8, 1), 108: (1, 1), 113: (7, 1), 121: (14, 1), 123: (17, 1), 126: (19, 0.1)}
"""Functions of bbob, and by what these are multiplied, which the noisy ones are without their noise."""


@pytest.mark.libraries
@needs_coco
@pytest.mark.parametrize("function", NOISE_FREE)
def test_without_their_noise_noisy_functions_are_those_of_bbob(function):
    """Test metrics are the values of the function that the noise is put upon."""
    base, factor = NOISE_FREE[function]
    problem = coco_problem("bbob", base, 5, 3)
    best = find_scale("bbob", base, 5, 3).ideal[0]
    objective = Bbob(suite="bbob-noisy", number=function, instance=3)
    assert objective.metrics[0].best == best
    for seed in range(10):
        config = any_config(objective, seed)
        expected = best + factor * (problem(list(config.values())) - best)
        assert trained(objective, config).test_metrics["value"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.libraries
@needs_coco
@pytest.mark.parametrize("function", [101, 102, 103, 107, 108, 109, 116, 117, 118])
def test_noise_is_distributed_like_cocos(function):
    """2,000 noisy values of one point have the distribution of as many that COCO draws."""
    x, best = np.array([1.0, -2.0, 0.5]), find_scale("bbob-noisy", function, 3, 1).ideal[0]
    problem, rng = coco_problem("bbob-noisy", function, 3, 1), np.random.default_rng(5)
    excess = evaluate("bbob-noisy", function, 3, 1, x)[0] - best
    theirs = np.round([problem(x) - best for _ in range(2000)], 9)  # Cauchy noise is a constant most of the time.
    ours = np.round([add_noise(function, 3, excess, rng) for _ in range(2000)], 9)
    assert stats.ks_2samp(theirs, ours).pvalue > 1e-3


@pytest.mark.libraries
@needs_coco
def test_the_noise_is_the_trials():
    """Noise follows from configuration and repetition: evaluations before, by COCO or us, change nothing."""
    objective = Bbob(suite="bbob-noisy", number=107)
    config, other = any_config(objective, 1), any_config(objective, 2)
    first = trained(objective, config)
    for _ in range(3):
        trained(objective, other)
        coco_problem("bbob-noisy", 107, 5, 1)(np.zeros(5))
    assert trained(objective, config).metrics == first.metrics
    assert trained(objective, config, repetition=1).metrics != first.metrics
    assert trained(objective, config, repetition=1).test_metrics == first.test_metrics


@pytest.mark.libraries
@needs_coco
@pytest.mark.parametrize(
    ("suite", "function"), [("bbob", 8), ("bbob-noisy", 103), ("bbob-mixint", 12), ("bbob-constrained", 20)]
)
def test_an_instance_for_every_repetition(suite, function):
    """Repetition r is instance r + 1, of which the regret is recorded, whatever the suite's seed."""
    objective = Bbob(suite=suite, number=function, instance="repetition")
    config = any_config(objective)
    assert objective.metrics[0].name == "regret"
    assert objective.metrics[0].best == 0.0
    assert objective.varies_by_repetition
    for repetition in (0, 4, 60):
        fixed = Bbob(suite=suite, number=function, instance=repetition + 1)
        value, regret = (trained(each, config, repetition).test_metrics for each in (fixed, objective))
        assert regret["regret"] == pytest.approx(value["value"] - fixed.metrics[0].best, rel=1e-12, abs=1e-9)
        assert trained(objective, config, repetition, suite_seed=9).test_metrics == regret


def test_a_seed_keeps_its_repetition():
    """Pickled for a worker the seed of a trial knows the repetition still, and its stream is the same."""
    seed = trial_seed(3, "bbob", 7, {"x1": 1.0})
    copy = pickle.loads(pickle.dumps(seed))
    assert (seed.repetition, copy.repetition) == (7, 7)
    assert copy.generate_state(4).tolist() == seed.generate_state(4).tolist()


@pytest.mark.parametrize("function", range(101, 131))
def test_noise_leaves_no_value_below_the_optimum(function):
    """Multiplied or added to, an excess never becomes negative, and is finite."""
    rng = np.random.default_rng(1)
    noisy = [add_noise(function, 2, excess, rng) for excess in (0.0, 1e-12, 1.0, 1e6) for _ in range(50)]
    assert min(noisy) > 0
    assert all(map(math.isfinite, noisy))


def test_without_the_library_one_line_says_what_to_install(monkeypatch):
    """The objective can be made, and whatever needs COCO says how to get it."""
    monkeypatch.setitem(sys.modules, "cocoex", None)
    objective = Bbob(suite="bbob-constrained", dimension=40, number=7)
    assert len(objective.space) == 40
    with pytest.raises(ValueError, match=r"coco-experiment is not installed: pip install '\.\[coco\]'"):
        _ = objective.metrics


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"suite": "bob"}, f"suite = 'bob': not one of {', '.join(SUITES)}"),
        ({"number": 25}, r"number = 25: need a whole number in 1\.\.24"),
        ({"suite": "bbob-noisy", "number": 1}, r"number = 1: need a whole number in 101\.\.130"),
        ({"suite": "bbob-constrained", "number": 55}, r"number = 55: need a whole number in 1\.\.54"),
        ({"suite": "bbob-biobj", "dimension": 4}, "dimension = 4: not one of 2, 3, 5, 10, 20, 40"),
        ({"dimension": 1}, r"dimension = 1: need a whole number in 2\.\.640"),
        ({"dimension": 2.0}, r"dimension = 2\.0"),
        ({"instance": "repetitions"}, "instance = 'repetitions': need a whole number or \"repetition\""),
        ({"instance": 0}, r"instance = 0: need a whole number in 1\.\.1000"),
        ({"suite": "bbob-biobj", "instance": 16}, r"instance = 16: need a whole number in 1\.\.15"),
    ],
)
def test_impossible_options(options, says):
    """An option outside its range is refused by name, value and range."""
    with pytest.raises(ValueError, match=says):
        Bbob(**options)
