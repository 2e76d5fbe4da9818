"""Functions as objectives: what they are given, what they may return or yield, and what is refused."""

import functools
import math

import numpy as np
import pytest
import torch
from scipy import stats

from objectives.epoch import Epoch
from objectives.function.function_objective import FunctionObjective
from objectives.objective import Machine
from objectives.space import Categorical, Condition, Space

SPACE = {"x": stats.uniform(0, 1), "kind": ["a", "b"]}
CONFIG = {"x": 0.25, "kind": "a"}
SEED = np.random.SeedSequence(3, spawn_key=(1, 2))


def epochs_of(objective, config=CONFIG):
    """All epochs of a trial."""
    return list(objective.train(config, SEED, Machine()))


def plain(x, kind):
    """Returns x."""
    return x


def test_a_list_in_a_space_is_a_choice():
    """The dictionaries of the book's chapters hold distributions and lists."""
    assert isinstance(FunctionObjective(plain, SPACE).space["kind"], Categorical)


@pytest.mark.parametrize("value", [0.25, 1, 1e7, -250.0, np.float32(0.5), np.array(0.5), torch.tensor(0.5)])
def test_a_number_of_any_type_is_the_first_metric(value):
    """It may be a scalar of numpy or torch; the harness makes a float of it."""
    (epoch,) = epochs_of(FunctionObjective(lambda x, kind: value, SPACE, metrics=["loss"]))
    assert float(epoch.metrics["loss"]) == float(value)
    assert epoch.test_metrics is None


def test_a_mapping_holds_metrics_and_seconds():
    """Seconds beside the metrics are what the function reports, unless they are a metric of it."""
    returned = {"loss": 0.5, "size": 3, "seconds": 7.0}
    (epoch,) = epochs_of(FunctionObjective(lambda x, kind: returned, SPACE, metrics=["loss", "size"]))
    assert (dict(epoch.metrics), epoch.seconds) == ({"loss": 0.5, "size": 3}, 7.0)
    assert returned["seconds"] == 7.0

    (epoch,) = epochs_of(FunctionObjective(lambda x, kind: returned, SPACE, metrics=["loss", "size", "seconds"]))
    assert dict(epoch.metrics) == returned
    assert math.isnan(epoch.seconds)


@pytest.mark.parametrize("pair", [(0.5, 0.6), ({"loss": 0.5}, {"loss": 0.6}), [0.5, 0.6]])
def test_a_pair_is_validation_and_test(pair):
    """Of numbers or of mappings."""
    (epoch,) = epochs_of(FunctionObjective(lambda x, kind: pair, SPACE, metrics=["loss"]))
    assert (epoch.metrics, epoch.test_metrics) == ({"loss": 0.5}, {"loss": 0.6})


def test_a_function_is_given_what_it_has_parameters_for():
    """The trial's seed as an integer of 32 bits, the same at every call, and where and how long to train."""
    calls = []

    def curious(x, kind, seed, max_epochs, device="?", data="?", other=1):
        calls.append((seed, max_epochs, device, data, other))
        return x

    objective = FunctionObjective(curious, SPACE, max_epochs=5)
    epochs_of(objective)
    epochs_of(objective)
    assert calls == [(int(SEED.generate_state(1)[0]), 5, "cpu", None, 1)] * 2


def test_a_hyperparameter_comes_before_what_the_harness_offers():
    """A space may have a seed or epochs of its own."""
    objective = FunctionObjective(lambda seed, epochs: seed + epochs, {"seed": [1], "epochs": stats.randint(2, 4)})
    (epoch,) = epochs_of(objective, {"seed": 1, "epochs": 2})
    assert epoch.metrics == {"error": 3}
    assert objective.max_epochs == 1


def test_any_keyword_takes_the_hyperparameters_alone():
    """`**kwargs` may go on to a library, which knows nothing of the harness's arguments."""
    (epoch,) = epochs_of(FunctionObjective(lambda **given: len(given), SPACE))
    assert epoch.metrics == {"error": 2}


def test_names_are_arguments():
    """`optimizer.lr` is passed as `optimizer_lr`."""
    objective = FunctionObjective(lambda optimizer_lr: optimizer_lr, {"optimizer.lr": stats.uniform(0, 1)})
    assert epochs_of(objective, {"optimizer.lr": 0.5})[0].metrics == {"error": 0.5}


def counting(x, kind, epochs, closed=None):
    """Yields x / epoch, and notes when it is closed."""
    try:
        for epoch in range(1, epochs + 1):
            yield {"loss": x / epoch}
    finally:
        if closed is not None:
            closed.append("closed")


def test_a_generator_trains_an_epoch_at_a_time_and_is_closed():
    """A paused trial is the suspended generator; one that is dropped is closed at once."""
    closed = []
    objective = FunctionObjective(counting, SPACE, max_epochs=3, metrics=["loss"], constants={"closed": closed})
    training = objective.train(CONFIG, SEED, Machine())

    assert [next(training).metrics["loss"], next(training).metrics["loss"]] == [0.25, 0.125]
    assert closed == []
    training.close()
    assert closed == ["closed"]
    assert objective.pausable


def test_generators_are_seen_through_wrappers():
    """A partial application and a decorated function still need to say how long a training is."""
    decorated = functools.wraps(counting)(lambda *positional, **named: 0)
    for wrapped, space in ((functools.partial(counting, kind="a"), {"x": [1]}), (decorated, SPACE)):
        with pytest.raises(ValueError, match=r"max_epochs: missing; .* yields"):
            FunctionObjective(wrapped, space)


def test_a_generator_that_ends_early_is_an_error():
    """Not a trial that goes on with nothing."""
    objective = FunctionObjective(lambda x, kind: iter([1.0]), SPACE, max_epochs=None)
    with pytest.raises(ValueError, match="say by max_epochs"):
        epochs_of(objective)
    objective = FunctionObjective(counting, SPACE, max_epochs=2, metrics=["loss"])
    training = objective.train(CONFIG, SEED, Machine())
    assert len([next(training), next(training)]) == 2
    with pytest.raises(ValueError, match="yielded fewer results than max_epochs = 2"):
        next(training)


def test_a_function_that_is_told_the_epochs_trains_anew_to_each_fidelity():
    """It is called once for a fidelity; the epochs before it are not measured."""
    calls = []
    objective = FunctionObjective(lambda x, kind, epochs: calls.append(epochs) or x / epochs, SPACE, max_epochs=9)

    assert not objective.pausable
    epochs = epochs_of(objective.until(3))
    assert [epoch.skipped for epoch in epochs] == [True, True, False]
    assert epochs[-1].metrics == {"error": 0.25 / 3}
    assert calls == [3]
    assert len(epochs_of(objective)) == 9


def test_epochs_may_come_as_they_are():
    """Who knows the harness's epochs may return one."""
    epoch = Epoch(valid_error=0.5)
    assert epochs_of(FunctionObjective(lambda x, kind: epoch, SPACE)) == [epoch]


def test_nothing_returned_is_told_apart():
    """A forgotten `return` is the commonest mistake."""
    with pytest.raises(TypeError, match="returned None: need a number, or a mapping of accuracy"):
        epochs_of(FunctionObjective(lambda x, kind: None, SPACE, metrics=["accuracy"]))


def test_a_test_function_is_asked_by_itself():
    """It takes the same arguments, and returns a number or test metrics."""
    objective = FunctionObjective(plain, SPACE, test=lambda x, kind, seed: {"error": x + 1})
    assert objective.tests_incumbents
    assert objective.test_metrics(CONFIG, SEED, Machine(), 1) == {"error": 1.25}


@pytest.mark.parametrize("taken", [counting, functools.partial(counting, kind="a"), lambda x, kind, epochs: x])
def test_the_default_of_its_epochs_is_a_full_training(taken):
    """Of a generator as of a function that is told them; what the suite says comes first."""
    told = functools.partial(taken, epochs=4)
    space = {"x": [0.5]} if isinstance(taken, functools.partial) else SPACE
    assert FunctionObjective(told, space).max_epochs == 4
    assert FunctionObjective(told, space, max_epochs=2).max_epochs == 2


async def awaited(x, kind):
    """Has to be awaited."""


async def awaited_epochs(x, kind):
    """Yields to who awaits it."""
    yield x


def by_position(x, /, kind):
    """Takes x by position."""


WITH_CONDITION = Space(
    {"kind": Categorical(["a", "b"]), "x": stats.uniform(0, 1)}, {"x": Condition(parent="kind", values=("a",))}
)
REFUSED = {
    "lacks": (lambda x, kind, depth: 0, {}, "depth: a parameter of f that the space lacks, it has x, kind"),
    "lacks, misspelled": (lambda x, kinds: 0, {}, "kind: f has no such parameter, it takes x, kinds"),
    "too many": (lambda x: 0, {}, "kind: f has no such parameter, it takes x"),
    "by position": (by_position, {}, "f takes x by position alone"),
    "asynchronous": (functools.partial(awaited), {}, "f is asynchronous, nothing awaits it; name a function that"),
    "asynchronous epochs": (awaited_epochs, {"max_epochs": 2}, "f is asynchronous"),
    "conditional": (plain, {"space": WITH_CONDITION}, "x: not every configuration has it"),
    "a constant too": (plain, {"constants": {"x": 1}}, "x: a hyperparameter of the space cannot have a fixed value"),
    "an unknown constant": (plain, {"constants": {"y": 1}}, "y: f has no such parameter"),
    "no mapping": (plain, {"space": [1]}, "space = [1]: need a Space"),
    "default outside": (plain, {"default": {"x": 2, "kind": "a"}}, "x = 2.0: outside"),
    "epochs for nothing": (plain, {"max_epochs": 3}, "max_epochs = 3: f neither yields"),
    "no epochs": (lambda x, kind, epochs: 0, {}, "max_epochs: missing; f is told how long"),
    "epochs 0": (plain, {"max_epochs": 0}, "max_epochs = 0: need a whole number"),
    "metrics": (plain, {"metrics": {"m": {"goal": "up"}}}, 'metrics.m: goal = \'up\': need "min" or "max"'),
    "test function": (plain, {"test": lambda x: 0}, "kind: f's test has no such parameter"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_function_and_a_space_that_do_not_fit_are_refused(case):
    """Before anything is trained, with the parameter and the remedy."""
    function, options, message = REFUSED[case]
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (the message is compared below)
        FunctionObjective(function, **{"space": SPACE, "name": "f", **options})
    assert message in str(refused.value)
