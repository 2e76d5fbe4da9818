"""What every objective promises; a new entry of the registry is tested without a line here."""

import dataclasses
import json
import pickle
from importlib.util import find_spec
from itertools import islice

import numpy as np
import pytest
import torch

from objectives import OBJECTIVES
from objectives.classification.base import ImageClassification
from objectives.epoch import Epoch
from objectives.objective import Machine
from tests.objectives.external.programs import OPTIONS

pytestmark = pytest.mark.usefixtures("one_thread")

EPOCHS = 3
NETWORKS = [name for name, kind in OBJECTIVES.items() if issubclass(kind, ImageClassification)]
NEEDS = {"jax_softmax": "jax", "bbob": "cocoex"}
ELSEWHERE = {"resnet", *(name for name, library in NEEDS.items() if find_spec(library) is None)}
"""Objectives whose data or library need not be here; tests/objectives/resnet tests the first on data of its own."""
VARIANTS = {
    **{name: (name, {}) for name in OBJECTIVES if name not in ELSEWHERE},
    "sklearn": ("sklearn", {"model": "gradient_boosting", "data": "wine"}),  # Its seed shows, and it is small.
    **{name: ("bbob", {"suite": "bbob-noisy", "number": 101}) for name in {"bbob"} - ELSEWHERE},  # Its seed shows.
    **{f"{name}, folds": (name, {"folds": 3}) for name in NETWORKS},
    **{f"{name}, book": (name, {"split": "book"}) for name in NETWORKS},
}
SLOW = {"sklearn", "external", "zdt2", "zdt3", "zdt4", "zdt6", "dtlz1", "dtlz7", "bnh", "srn", "osy", "bbob"}
"""Those that take long, and formulas whose kin are tested always."""
MACHINE = Machine()


def make(variant, **options):
    """The objective with options that make it quick: few epochs, and noise where there is any."""
    name, own = VARIANTS[variant]
    quick = {"data": "digits", "epochs": EPOCHS, "noise": 0.1} | own | options
    kind = OBJECTIVES[name]
    fields = {field.name for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else ()
    return kind(**OPTIONS.get(name, {}), **{option: value for option, value in quick.items() if option in fields})


def configuration(objective):
    return objective.space.sample(np.random.default_rng(11))


def begin(objective, seed=1, config=None):
    config = configuration(objective) if config is None else config
    return objective.train(config, np.random.SeedSequence(seed, spawn_key=(5, 6)), MACHINE)


def drawn(curve, count):
    """The next errors or metrics of a training, without what differs from one time to the next."""
    return [(*values_of(epoch), epoch.diverged) for epoch in islice(curve, count)]


def values_of(epoch):
    """The first metric of validation and test, or the errors of an objective that declares no metrics."""
    if epoch.metrics is None:
        return epoch.valid_error, epoch.test_error
    first = next(iter(epoch.metrics))
    return epoch.metrics[first], epoch.test_metrics[first]


def whole(objective, seed=1):
    return drawn(begin(objective, seed), objective.max_epochs)


def all_curves():
    """The curves of every variant, as JSON turns them round."""
    torch.set_num_threads(1)
    return json.loads(json.dumps({variant: whole(make(variant)) for variant in VARIANTS}))


every = pytest.mark.parametrize(
    "variant",
    [pytest.param(v, marks=[pytest.mark.slow] if VARIANTS[v][0] in SLOW else []) for v in VARIANTS],
)


@pytest.fixture(scope="module")
def elsewhere(in_fresh_process):
    """The same curves from a fresh process with other hash seeds."""
    return in_fresh_process(__file__, "all_curves")


@every
def test_the_default_is_in_the_space(variant):
    """The default configuration, where there is one, passes check unchanged."""
    objective = make(variant)
    if objective.default is not None:
        assert objective.space.check(objective.default) == objective.default


@every
def test_training_gives_epochs(variant):
    """Each item is an epoch with finite errors as plain numbers and a positive time."""
    objective = make(variant)
    epochs = list(islice(begin(objective), objective.max_epochs))
    assert len(epochs) == objective.max_epochs
    for epoch in epochs:
        assert type(epoch) is Epoch
        assert [type(value) for value in (*values_of(epoch), epoch.seconds)] == [float] * 3
        assert np.isfinite(values_of(epoch)).all()
        assert epoch.seconds > 0


@every
def test_the_same_trial_twice(variant):
    """One configuration and seed give the same bits again, also from an equal objective."""
    assert whole(make(variant)) == whole(make(variant))


@pytest.mark.slow
@every
def test_the_same_trial_in_a_fresh_process(variant, elsewhere):
    """Nothing of this process is in the curve: not its history, nor its hash seed."""
    assert json.loads(json.dumps(whole(make(variant)))) == elsewhere[variant]


@every
def test_pausing_changes_nothing(variant):
    """A trial that waits while others train goes on as if it had not."""
    objective = make(variant)
    alone = whole(objective)
    paused, rival, later = begin(objective), begin(objective, seed=2), begin(objective, seed=3)
    mixed = drawn(paused, 1)
    drawn(rival, 2)
    mixed += drawn(paused, 1)
    drawn(later, 1)
    assert mixed + drawn(paused, max(0, objective.max_epochs - 2)) == alone


@every
def test_a_short_training_is_the_beginning_of_a_long_one(variant):
    """Stopping early gives the first epochs of the full training."""
    objective = make(variant)
    assert drawn(begin(objective), 2) == whole(objective)[:2]


@pytest.mark.parametrize("name", NETWORKS)
def test_more_epochs_only_go_on(name):
    """For networks the option `epochs` changes where training ends and nothing else."""
    assert whole(make(name, epochs=4))[:EPOCHS] == whole(make(name))


@every
def test_seeds_differ(variant):
    """Another seed is another trial."""
    objective = make(variant)
    assert whole(objective, seed=1) != whole(objective, seed=2)


def test_every_word_of_the_seed_counts():
    """Entropy and spawn key both reach the trial."""
    objective = make("softmax")
    config = configuration(objective)
    seeds = [np.random.SeedSequence(1), np.random.SeedSequence(1, spawn_key=(1,)), np.random.SeedSequence(2**64)]
    curves = [drawn(objective.train(config, seed, MACHINE), EPOCHS) for seed in seeds]
    assert curves[0] != curves[1] != curves[2] != curves[0]


@every
def test_the_seed_is_not_used_up(variant):
    """One seed object may be given twice: nothing is spawned from it."""
    objective = make(variant)
    config, seed = configuration(objective), np.random.SeedSequence(4)
    first, second = (drawn(objective.train(config, seed, MACHINE), 2) for _ in range(2))
    assert first == second
    assert seed.n_children_spawned == 0


@every
def test_arguments_stay_as_they_are(variant):
    """Training changes neither the configuration nor the objective's default."""
    objective = make(variant)
    config = objective.default or configuration(objective)
    before = dict(config)
    drawn(begin(objective, config=config), 2)
    assert config == before
    assert list(config) == list(before)


@every
def test_global_generators_do_not_matter(variant, global_state, move_global_generators):
    """A trial neither reads nor moves the global generators."""
    objective = make(variant)
    expected = whole(objective)
    move_global_generators()
    before = global_state()
    curve = begin(objective)
    first = drawn(curve, 1)
    assert global_state() == before
    move_global_generators()
    assert first + drawn(curve, objective.max_epochs - 1) == expected


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if VARIANTS[variant][0] in NETWORKS])
def test_errors_are_counts(variant):
    """A network's error is a whole number of images over the size of the set."""
    objective = make(variant)
    valid, test = {None: (300, 300)}.get(objective.folds, (1497, 900))
    for valid_error, test_error, _ in whole(objective):
        assert 0 <= valid_error <= 1
        assert 0 <= test_error <= 1
        assert valid_error == round(valid_error * valid) / valid
        assert test_error == round(test_error * test) / test


@every
def test_objectives_are_values(variant):
    """Objectives are frozen, equal when their options are, hashable and picklable."""
    objective = make(variant)
    assert objective == make(variant)
    assert hash(objective) == hash(make(variant))
    clone = pickle.loads(pickle.dumps(objective))
    assert clone == objective
    assert whole(clone) == whole(objective)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(objective, dataclasses.fields(objective)[0].name, 99)


@every
def test_prepare_names_its_data(variant):
    """Preparing gives names and versions or, for the files of networks, SHA-256; twice the same."""
    objective = make(variant)
    sums = objective.prepare(MACHINE)
    assert sums == objective.prepare(MACHINE)
    assert all(isinstance(text, str) and text for text in sums.values())
    if VARIANTS[variant][0] in NETWORKS:
        assert sums
        assert all(len(digest) == 64 for digest in sums.values())


@every
def test_stacks(variant):
    """What says it is stackable gives slots, whose trials have the curves of `train`; what does not gives none."""
    objective = make(variant)
    stack = objective.stack(MACHINE, 2)
    assert objective.stackable == (stack is not None)
    assert isinstance(objective.arithmetic(MACHINE, stacked=objective.stackable), str)
    if stack is None:
        return
    assert stack.capacity == stack.free == 2
    assert stack.arithmetic == objective.arithmetic(MACHINE, stacked=True)
    for seed in (1, 2):
        stack.admit(seed, configuration(objective), np.random.SeedSequence(seed, spawn_key=(5, 6)))
    curves = {1: [], 2: []}
    while stack.free < 2:
        for ticket, epoch in stack.advance():
            curves[ticket].append(epoch)
            if len(curves[ticket]) == EPOCHS:
                stack.pause(ticket)
    assert {seed: drawn(curve, EPOCHS) for seed, curve in curves.items()} == {
        seed: whole(objective, seed) for seed in (1, 2)
    }
    assert all(epoch.seconds > 0 for curve in curves.values() for epoch in curve)


@every
def test_what_an_epoch_costs(variant):
    """The work of a trial is named alike for all configurations, finite and not negative."""
    objective = make(variant)
    generator = np.random.default_rng(3)
    terms = [objective.cost_terms(objective.space.sample(generator)) for _ in range(5)]
    assert all(each.set_up.keys() == terms[0].set_up.keys() for each in terms)
    assert all(each.epoch.keys() == terms[0].epoch.keys() for each in terms)
    counts = [count for each in terms for count in (*each.set_up.values(), *each.epoch.values())]
    assert np.isfinite(counts).all()
    assert min(counts) >= 0
    assert sum(terms[0].epoch.values()) > 0


@every
def test_the_books_call(variant):
    """Called with a configuration an objective gives the last validation error, by any number of epochs."""
    objective = make(variant)
    config = configuration(objective)
    values = [valid for valid, _, _ in drawn(objective.train(config, np.random.SeedSequence(0), MACHINE), EPOCHS)]
    errors = [objective.metrics[0].to_error(value) for value in values]
    assert objective(**config) == errors[-1]
    assert [objective(**config, max_epochs=epochs) for epochs in range(1, objective.max_epochs + 1)] == errors


@every
@pytest.mark.parametrize("epochs", [0, -1, 4])
def test_the_books_call_refuses_impossible_epochs(variant, epochs):
    """More epochs than the objective has, or none, are refused."""
    objective = make(variant)
    with pytest.raises(ValueError, match=f"max_epochs = {epochs}: need a whole number in 1..{objective.max_epochs}"):
        objective(**configuration(objective), max_epochs=epochs)


@every
def test_the_books_call_refuses_other_configurations(variant):
    """The configuration is checked against the space."""
    objective = make(variant)
    with pytest.raises(ValueError, match="no such hyperparameter"):
        objective(**configuration(objective), dropuot=0.5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_constructing_reads_nothing(name, monkeypatch, tmp_path):
    """An objective is made without touching a data set, so a suite is checked in an instant."""
    monkeypatch.chdir(tmp_path)
    options = {"data": "fashion_mnist"} if name in (*NETWORKS, "jax_softmax") else OPTIONS.get(name, {})
    objective = OBJECTIVES[name](**options)
    assert objective.space.sample(np.random.default_rng(0))
    assert objective.max_epochs >= 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"data": "mnist"}, "data = 'mnist': not one of digits, fashion_mnist"),
        ({"split": "train"}, "split = 'train': not one of standard, book"),
        ({"folds": 1}, "folds = 1: need a whole number in 2..100"),
        ({"folds": True}, "folds = True"),
        ({"folds": 2.0}, "folds = 2.0"),
        ({"epochs": 0}, "epochs = 0: need a whole number in 1..10000"),
        ({"epochs": True}, "epochs = True"),
        ({"split": "book", "folds": 5}, "folds: not with split"),
    ],
)
def test_impossible_options_of_networks(name, options, says):
    """An option outside the allowed ones is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        OBJECTIVES[name](**options)
