"""Everything that is registered here, on four small spaces; a new entry of a registry is in without a line here."""

import copy
import inspect
import json

import numpy as np
import pytest
from scipy import stats

from algorithms import SCHEDULERS, SEARCHERS
from benchmark.checking.subject import drive as toy_drive
from benchmark.checking.subject import suggestions
from benchmark.checking.toy_tasks import TASKS, toy_error
from benchmark.suite.model import Budget
from objectives.space import Categorical, Condition, Integer, Space
from tests.algorithms.driving import proposals

MAX_EPOCHS = 9
EVALUATIONS = 40
SPACES = {
    "one": (Space({"rate": stats.loguniform(1e-4, 1)}), {"rate": 0.1}),
    "mixed": (
        Space(
            {
                "optimizer.lr": stats.loguniform(1e-200, 1e200),
                "width": Integer(1, 1024, log=True),
                "activation": Categorical(["relu", "tanh", None]),
                "weight-decay": Categorical([True, False]),
            }
        ),
        {"optimizer.lr": 0.1, "width": 32, "activation": "tanh", "weight-decay": False},
    ),
    "conditional": (
        Space(
            {
                "rate": stats.loguniform(1e-4, 1),
                "layers": stats.randint(1, 4),
                "width_1": stats.randint(8, 65),
                "width_2": stats.randint(8, 65),
                "width_3": stats.randint(8, 65),
            },
            {
                "width_2": Condition(parent="layers", values=(2, 3)),
                "width_3": Condition(parent="layers", values=(3,)),
            },
        ),
        {"rate": 0.1, "layers": 2, "width_1": 32, "width_2": 16},
    ),
    "constant": (
        Space({"width": stats.randint(3, 4), "activation": Categorical(["relu"]), "nesterov": Categorical([True])}),
        {"width": 3, "activation": "relu", "nesterov": True},
    ),
}


def takes_searcher(scheduler):
    return "searcher" in inspect.signature(SCHEDULERS[scheduler]).parameters


ALWAYS = ("random", "local", "grid")
"""Searchers that go with every scheduler: one that learns nothing, one that does, one that ends."""
THOROUGH = ("basic", "hyperband")
"""Schedulers that every searcher goes with: at the full fidelity, and at several."""
PAIRS = [
    (scheduler, searcher)
    for scheduler in SCHEDULERS
    for searcher in ((SEARCHERS if scheduler in THOROUGH else ALWAYS) if takes_searcher(scheduler) else [None])
]
on_every_space = pytest.mark.parametrize("space", SPACES)
every_searcher = pytest.mark.parametrize("name", SEARCHERS)
every_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "+".join(filter(None, pair)))
by_workers = pytest.mark.parametrize("n_workers", [pytest.param(1, marks=pytest.mark.slow), 3])


def make_searcher(name, space, seed=0, default=True):
    config_space, initial = SPACES[space]
    return SEARCHERS[name](
        config_space, rng=np.random.default_rng(seed), initial_config=dict(initial) if default else None
    )


def make_scheduler(pair, space, seed=0, default=True):
    """A scheduler, given by name whatever it takes of what a suite offers."""
    scheduler, searcher = pair
    config_space, initial = SPACES[space]
    offered = {
        "config_space": config_space,
        "initial_config": dict(initial) if default else None,
        "rng": np.random.default_rng(seed),
        "max_epochs": MAX_EPOCHS,
        "task": TASKS["one"],
        "searcher": searcher and make_searcher(searcher, space, seed, default),
    }
    taken = inspect.signature(SCHEDULERS[scheduler]).parameters
    return SCHEDULERS[scheduler](**{name: value for name, value in offered.items() if name in taken})


def drive(scheduler, space, n_workers=1, error_of=toy_error, evaluations=EVALUATIONS):
    """A run on toy outcomes: its jobs and why it stopped."""
    options = {"max_epochs": MAX_EPOCHS, "budget": Budget(evaluations=evaluations), "n_workers": n_workers}
    jobs, _, stopped = toy_drive(scheduler, SPACES[space][0], lambda job: error_of(job.suggestion), **options)
    return jobs, stopped


def step(scheduler, count):
    """What a scheduler suggests when two evaluations are always under way."""
    suggested, pending = [], []
    for _ in range(count):
        suggestion = scheduler.suggest()
        suggested.append(copy.deepcopy(suggestion))
        if suggestion is not None:
            pending.append(suggestion)
        if pending and (suggestion is None or len(pending) > 2):
            config = pending.pop(0)
            scheduler.update(config, toy_error(config))
    for config in pending:
        scheduler.update(config, toy_error(config))
    return suggested


def all_sequences():
    """What every searcher and every pair does on every space, as JSON turns it round."""
    sequences = {}
    for space in SPACES:
        for name in SEARCHERS:
            sequences[f"{name} {space}"] = proposals(make_searcher(name, space), EVALUATIONS)
        for pair in PAIRS:
            for n_workers in (1, 3):
                jobs, _ = drive(make_scheduler(pair, space), space, n_workers)
                sequences[f"{pair} {space} {n_workers}"] = suggestions(jobs)
    return json.loads(json.dumps(sequences))
