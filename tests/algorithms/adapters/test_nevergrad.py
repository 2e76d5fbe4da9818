"""Nevergrad through its adapter: what its optimizers propose alone, what they are told, and what they leave alone."""

import math
import threading
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from objectives.space import FIDELITY, Categorical, Condition, Ordinal, Space
from tests.algorithms.driving import proposals

pytest.importorskip("nevergrad", reason="nevergrad is not installed: make adapters")
from algorithms.adapters.nevergrad import Nevergrad, ng, without_side_effects

MIXED = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "width": stats.randint(8, 65),
        "momentum": stats.uniform(0, 0.99),
        "layers": stats.randint(1, 4),
        "activation": Categorical(["relu", "tanh", "sigmoid"]),
    }
)
FLOATS = Space({"rate": stats.loguniform(1e-4, 1), "momentum": stats.uniform(0, 1), "decay": stats.uniform(0, 1)})
CONDITIONAL = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "layers": stats.randint(1, 4),
        "width_2": stats.randint(8, 65),
        "batch_size": Ordinal([16, 32, 64]),
        "bias": stats.norm(0, 1),
        "nesterov": Categorical([True, False]),
    },
    {"width_2": Condition(parent="layers", values=(2, 3))},
)
DEFAULT = {"rate": 0.1, "layers": 1, "batch_size": 32, "bias": 0.3, "nesterov": False}
OPTIMIZERS = ["NGOpt", "OnePlusOne", "TwoPointsDE", "PSO", "CMA"]
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)


def error_of(config):
    return abs(math.log10(config["rate"]) + 2) + config.get("layers", 0) / 10 + config.get("momentum", 0)


def alone(optimizer, count, seed=0):
    """Nevergrad's own loop over the mixed space, declared by hand."""
    with without_side_effects():
        seeds = np.random.default_rng(seed).integers(2**31 - 1, size=2)
        space = ng.p.Dict(
            rate=ng.p.Log(lower=1e-4, upper=1.0),
            width=ng.p.Scalar(lower=8, upper=64).set_integer_casting(),
            momentum=ng.p.Scalar(lower=0.0, upper=0.99),
            layers=ng.p.TransitionChoice([1, 2, 3]),
            activation=ng.p.Choice(["relu", "tanh", "sigmoid"]),
        )
        space.random_state = np.random.RandomState(int(seeds[1]))
        solver = ng.optimizers.registry[optimizer](space, budget=100, num_workers=2)
        proposed = []
        for _ in range(count):
            candidate = solver.ask()
            proposed.append(dict(candidate.value))
            solver.tell(candidate, error_of(candidate.value))
        return proposed


@every_optimizer
def test_proposals_are_those_of_nevergrad_alone(optimizer):
    """The same points as a loop of ask and tell over the optimizer itself, with the same seed and losses."""
    searcher = Nevergrad(MIXED, rng=np.random.default_rng(0), optimizer=optimizer)
    assert proposals(searcher, 60, error_of) == alone(optimizer, 60)


@every_optimizer
def test_the_default_is_suggested_and_learned(optimizer):
    """The default comes first, exactly as given, and its loss is in Nevergrad's archive."""
    searcher = Nevergrad(CONDITIONAL, rng=np.random.default_rng(0), initial_config=DEFAULT, optimizer=optimizer)
    assert searcher.sample_configuration() == DEFAULT
    searcher.update({**DEFAULT, FIDELITY: 3}, 0.25)
    assert searcher.optimizer.num_tell == 1
    assert searcher.optimizer.current_bests["minimum"].mean == 0.25
    value = searcher.optimizer.current_bests["minimum"].parameter.value
    assert value["rate"] == pytest.approx(0.1)
    assert (value["layers"], value["batch_size"], searcher.choices["nesterov"][value["nesterov"]]) == (1, 1, False)


def test_an_optimizer_that_cannot_learn_the_default():
    """EDA refuses what it did not make: the default is tried, and the search goes on without it."""
    searcher = Nevergrad(CONDITIONAL, rng=np.random.default_rng(0), initial_config=DEFAULT, optimizer="EDA")
    assert proposals(searcher, 12, error_of)[0] == DEFAULT
    assert searcher.optimizer.num_tell == 11


@every_optimizer
@pytest.mark.parametrize("error", [math.inf, 0.9, 0.0, -3.0])
def test_uninformative_results_are_survived(optimizer, error):
    """All trials crashed, or all equal: the optimizer goes on inside the space."""
    for space in (CONDITIONAL, FLOATS):
        searcher = Nevergrad(space, rng=np.random.default_rng(0), optimizer=optimizer)
        for config in proposals(searcher, 30, lambda config: error):
            assert space.check(config) == config


def test_a_crash_is_no_good_value():
    """Nevergrad clips an infinite loss to 5e20, the worst there is."""
    searcher = Nevergrad(FLOATS, rng=np.random.default_rng(0), optimizer="OnePlusOne")
    proposed = proposals(searcher, 20, lambda config: math.inf if config["rate"] < 0.1 else config["rate"])
    best = searcher.optimizer.provide_recommendation().value["rate"]
    assert best == min(config["rate"] for config in proposed if config["rate"] >= 0.1)


def test_results_out_of_order_reach_their_candidates():
    """Several proposals are outstanding; each loss is told to the candidate that it belongs to, once."""
    searcher = Nevergrad(MIXED, rng=np.random.default_rng(0), optimizer="TwoPointsDE", num_workers=4)
    configs = [searcher.sample_configuration() for _ in range(8)]
    for config in reversed(configs):
        searcher.update({**config, FIDELITY: 1}, error_of(config))
        searcher.update({**config, FIDELITY: 3}, 0.0)
    searcher.update(MIXED.sample(np.random.default_rng(9)), 0.0)
    assert searcher.optimizer.num_tell == 8
    for told in searcher.optimizer.archive.values():
        assert told.mean == error_of(told.parameter.value)


def test_the_meta_model_of_a_few_floats():
    """NGOpt fits a meta-model to floats, whose inner search needs numpy's old float(), and leaves no thread."""
    searcher = Nevergrad(FLOATS, rng=np.random.default_rng(0))
    before = set(threading.enumerate())
    proposed = proposals(searcher, 40, error_of)
    assert searcher.optimizer.optim.name == "MetaModel"
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=30)  # One that is about to end may still be there for a moment.
        assert not thread.is_alive(), thread
    assert min(map(error_of, proposed[20:])) < min(map(error_of, proposed[:20]))


def test_the_budget_decides_what_ngopt_does():
    """With the budget of a long search NGOpt takes another method."""
    chosen = {
        budget: Nevergrad(FLOATS, rng=np.random.default_rng(0), budget=budget).optimizer.optim.name
        for budget in (100, 100_000)
    }
    assert chosen[100] != chosen[100_000]


def test_ordinals_are_transitions():
    """An ordinal's places are an ordered choice in Nevergrad, not a number cast to integers."""
    searcher = Nevergrad(CONDITIONAL, rng=np.random.default_rng(0))
    declared = searcher.optimizer.parametrization
    assert isinstance(declared["batch_size"], ng.p.TransitionChoice)
    assert isinstance(declared["width_2"], ng.p.Scalar)


def test_a_constant_space():
    """Without anything to choose the one configuration is proposed again and again."""
    space = Space({"three": stats.randint(3, 4), "only": Categorical([True])})
    searcher = Nevergrad(space, rng=np.random.default_rng(0))
    assert proposals(searcher, 3, lambda config: 0.5) == [{"three": 3, "only": True}] * 3


def sequences():
    return [
        proposals(Nevergrad(space, rng=np.random.default_rng(0), optimizer=optimizer), 25, error_of)
        for space in (CONDITIONAL, FLOATS)
        for optimizer in OPTIMIZERS
    ]


def test_a_fresh_process_proposes_the_same(in_fresh_process):
    """Nothing but the generator given is in a search, nor does it move numpy's global one."""
    assert in_fresh_process(Path(__file__), "sequences") == sequences()


def test_an_unknown_optimizer():
    """The nearest name of the registry is named."""
    with pytest.raises(ValueError, match=r"optimizer = 'OnePlusTwo': .* nearest is 'OnePlusOne'"):
        Nevergrad(MIXED, rng=np.random.default_rng(0), optimizer="OnePlusTwo")


def test_a_sequential_optimizer():
    """A method that waits for each result in a thread is refused before there is one."""
    with pytest.raises(ValueError, match=r"optimizer = 'Cobyla', .* strictly sequential"):
        Nevergrad(FLOATS, rng=np.random.default_rng(0), optimizer="Cobyla")


@pytest.mark.parametrize(("option", "value"), [("budget", 0), ("budget", 1.5), ("num_workers", 1), ("budget", True)])
def test_bad_options(option, value):
    """A bad option is refused by its name and value."""
    with pytest.raises(ValueError, match=f"{option} = {value!r}: "):
        Nevergrad(MIXED, rng=np.random.default_rng(0), **{option: value})
