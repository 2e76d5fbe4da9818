"""qLogNEHVI and constrained qLogNEI: what they model, and that they find fronts and feasible optima."""

import warnings

import moocore
import numpy as np
import pytest
from scipy import stats

pytest.importorskip("botorch", reason="botorch is not installed: make adapters")
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
    from algorithms.multi_objective.feasible_improvement import FeasibleImprovement
    from algorithms.multi_objective.hypervolume_improvement import HypervolumeImprovement
    from algorithms.multi_objective.task_search import standardise

from algorithms.searchers.random_search import RandomSearch
from objectives.metric import Metric
from objectives.space import Space
from objectives.task import Constraint, Task
from tests.algorithms.tasks import search

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
CUBE = Space({f"x{i}": stats.uniform(0, 1) for i in range(3)})
TWO = Task((Metric("f1", reference=1.1), Metric("f2", reference=6.0)))


def zdt1(config):
    first, *others = config.values()
    g = 1 + 9 * np.mean(others)
    return {"f1": first, "f2": g * (1 - np.sqrt(first / g))}


def hypervolume(configs):
    return moocore.hypervolume(np.array([list(zdt1(config).values()) for config in configs]), ref=[1.1, 6.0])


def test_values_up_to_the_reference_are_told_apart():
    """What is beyond both the reference and three median distances is clipped, so is what was not measured."""
    values = np.array([0.0, 1, 1, 1, 8, 20, np.inf])
    kept = standardise(values, 10.0)
    assert [kept.of(value) for value in (0, 1, 8, 10)] == pytest.approx(kept.targets[[0, 1, 4, 5]].tolist())
    assert kept.targets[5] == kept.targets[6]
    clipped = standardise(values, None)
    assert clipped.targets[4] == clipped.targets[6] == pytest.approx(clipped.of(3.0))
    assert float(kept.targets.mean()) == pytest.approx(0)
    assert float(kept.targets.std(correction=0)) == pytest.approx(1)


def test_the_hypervolume_is_greater_than_random_searchs():
    """On ZDT1, 12 trials, the first five alike: in both of two paired repetitions."""
    for seed in range(2):
        ours = HypervolumeImprovement(CUBE, rng=np.random.default_rng(seed), task=TWO)
        others = RandomSearch(CUBE, rng=np.random.default_rng(seed))
        found = search(ours, TWO, zdt1, 12)
        drawn = search(others, TWO, zdt1, 12)
        assert found[:5] == drawn[:5]
        assert hypervolume(found) > hypervolume(drawn)


def test_the_feasible_optimum_is_found():
    """The least (x - 0.2)^2 where x >= 0.5 is on the bound, although 0.2 is seen to be better."""
    task = Task((Metric("loss"), Metric("x")), (Constraint("x", lower=0.5),))
    searcher = FeasibleImprovement(Space({"x": stats.uniform(0, 1)}), rng=np.random.default_rng(0), task=task)
    configs = search(searcher, task, lambda config: {"loss": (config["x"] - 0.2) ** 2, "x": config["x"]}, 12)
    assert min(config["x"] for config in configs if config["x"] >= 0.5) < 0.52


def test_a_front_within_bounds_is_found():
    """Where f1 has to be at least 0.5, most proposals of the model are feasible."""
    task = Task(TWO.metrics, (Constraint("f1", lower=0.5),))
    searcher = HypervolumeImprovement(CUBE, rng=np.random.default_rng(0), task=task)
    configs = search(searcher, task, zdt1, 11)
    assert sum(config["x0"] >= 0.5 for config in configs[5:]) >= 5
