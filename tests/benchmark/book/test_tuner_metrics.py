"""Several metrics in the book's tuner: searchers learn them of functions and of objectives alike."""

import numpy as np
from scipy import stats

from algorithms.schedulers.basic import BasicScheduler
from benchmark.book.tuner import Tuner
from objectives.metric import Metric
from objectives.space import Space
from objectives.task import Task
from tests.benchmark.fakes.metric_toy import MetricToy
from tests.benchmark.fakes.pareto_searcher import ParetoSearcher

SPACE = Space({"x": stats.uniform(0, 1)})


def run(objective, task, trials=6):
    """What a multi-objective searcher learns in a notebook."""
    searcher = ParetoSearcher(SPACE, np.random.default_rng(0), task)
    Tuner(BasicScheduler(searcher), objective).run(number_of_trials=trials)
    assert len(searcher.infos) == trials
    return searcher.infos


def test_a_functions_mapping_is_what_a_searcher_learns():
    """Its numbers by name; what is none is left out."""
    task = Task((Metric("loss", reference=2.0), Metric("size", reference=2.0)))
    for info in run(lambda x: {"loss": np.float32(x), "size": 1 - x, "model": object()}, task):
        assert info["metrics"].keys() == {"loss", "size"}
        assert abs(sum(info["metrics"].values()) - 1) < 1e-6
        assert info["seconds"] >= 0


def test_an_objectives_metrics_are_too():
    """Those of the last epoch."""
    toy = MetricToy()
    for info in run(toy, toy.task):
        assert np.isclose(info["metrics"]["accuracy"] * 10, info["metrics"]["parameters"])
