"""Counts of work: by hand, against real networks and real splits, and the same on every machine."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from objectives import OBJECTIVES
from objectives.classification.base import ImageClassification
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.training.counter_rng import trial_key
from objectives.training.data import LOADERS, Images, Split, load_splits
from objectives.training.network_cost import (
    DATA_SIZES,
    NetworkShape,
    count_shape,
    excerpt_sizes,
    network_terms,
    placeholder_split,
    split_sizes,
    train_on_excerpt,
)
from objectives.training.networks import Dropout
from objectives.training.reference_loop import train

NETWORKS = [name for name, objective in OBJECTIVES.items() if issubclass(objective, ImageClassification)]
SEED = np.random.SeedSequence(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Users(SoftmaxRegression):
    """A user's network: a convolution, a normalisation, dropout of torch's own kind, one layer used twice."""

    def network(self, config, split):
        layer = nn.Linear(20, 20)
        return nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2 * 6 * 6, 20), layer, layer,
            nn.Dropout(0.5), nn.Dropout(0.0), nn.Linear(20, 10),
        )  # fmt: skip


# Counts.


def test_softmax_regression_counted_by_hand():
    """64 x 10 weights and 10 biases; 75 steps of 16 of 1197 rows; no gradient for the pixels."""
    objective = OBJECTIVES["softmax"]()

    terms = objective.cost_terms({"learning_rate": 0.1})

    shape = NetworkShape(parameters=650, forward=640, backward=640, unaligned=640, values=74, draws=0)
    assert objective.network_shape({}) == shape
    assert terms.set_up == {"networks": 1.0, "parameters": 650.0}
    assert terms.epoch == {
        "steps": 75.0,
        "rows": 1497.0,
        "updates": 75 * 650.0,
        "spill": 75 * 650.0**2,
        "values": (2 * 1197 + 300) * 74.0,
        "multiply_adds": 1197 * 1280 + 300 * 640.0,
        "unaligned": (3 * 1197 + 300) * 640.0,
        "draws": 0.0,
    }


def test_a_users_network_is_counted_layer_by_layer():
    """Convolutions by their outputs, a layer used twice twice, dropout where it drops."""
    shape = Users().network_shape({"learning_rate": 0.1})

    first, rest = 2 * 6 * 6 * 9, 72 * 20 + 2 * 20 * 20 + 20 * 10
    assert shape.forward == first + rest
    assert shape.backward == first + 2 * rest
    assert shape.parameters == (18 + 2) + 4 + (1440 + 20) + (400 + 20) + (200 + 10)
    assert shape.unaligned == 72 * 20 + 2 * 2 * 20 * 20 + 2 * 20 * 10
    assert shape.values == 3 * 72 + 5 * 20 + 10
    assert shape.draws == 32


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("data", DATA_SIZES)
def test_shortcuts_agree_with_counting(name, data):
    """What an objective counts by arithmetic or once for all is what a pass through its network gives."""
    objective = OBJECTIVES[name](data=data)
    rng = np.random.default_rng(2)

    for _ in range(25):
        config = objective.space.sample(rng)
        assert objective.network_shape(config) == ImageClassification.network_shape(objective, config)


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_those_of_the_trained_network(name):
    """The network without storage is the network that trains."""
    objective = OBJECTIVES[name]()
    (split,) = load_splits("digits", "standard", None, Machine())
    config = objective.space.sample(np.random.default_rng(3))

    network = objective.start(config, split, trial_key(SEED, 0), "cpu")

    assert objective.network_shape(config).parameters == sum(one.numel() for one in network.parameters())


def test_dropout_that_drops_nothing_draws_nothing():
    """As in training, where such a layer passes its input on."""
    objective = OBJECTIVES["dropout_mlp"]()
    config = {**objective.default, "num_hiddens_1": 17, "num_hiddens_2": 16}

    draws = [
        objective.network_shape({**config, "dropout_1": first, "dropout_2": second}).draws
        for first, second in [(0.5, 0.5), (0.0, 0.5), (0.5, 0.0), (0.0, 0.0), (1e-9, 1e-9)]
    ]

    assert draws == [48, 16, 32, 0, 0]


@pytest.mark.parametrize("layer", [Dropout, nn.Dropout])
def test_dropout_of_either_kind_is_seen(layer):
    """A user writes torch's, which training replaces by ours."""
    shape = count_shape(lambda: nn.Sequential(nn.Flatten(), layer(0.25), nn.Linear(64, 10)), torch.Size((1, 8, 8)))

    assert shape.draws == 64


def test_counting_draws_no_random_number(global_state):
    """Networks are built without storage, so that no global generator moves."""
    before = global_state()

    Users().cost_terms({"learning_rate": 0.1})

    assert global_state() == before


# Sizes.


def test_every_data_set_has_an_outline():
    """A price needs the sizes of data that may not be there yet."""
    assert DATA_SIZES.keys() == LOADERS.keys()


@pytest.mark.parametrize(("split", "folds"), [("standard", None), ("book", None), ("standard", 2), ("standard", 7)])
def test_sizes_are_those_of_the_loaded_digits(split, folds):
    """In every division, with and without folds."""
    loaded = load_splits("digits", split, folds, Machine())
    blank = placeholder_split("digits", split, folds)

    assert split_sizes("digits", split, folds) == [(len(one.train), len(one.valid)) for one in loaded]
    assert SoftmaxRegression(split=split, folds=folds).row_counts == (
        sum(len(one.valid) for one in loaded),
        sum(len(one.test) for one in loaded),
    )
    assert blank.train.x.shape == loaded[0].train.x.shape
    assert blank.valid.x.shape == loaded[0].valid.x.shape
    assert blank.test.x.shape == loaded[0].test.x.shape
    assert blank.train.y.dtype == loaded[0].train.y.dtype


def test_sizes_are_those_of_fashion_mnist(data_folder):
    """Likewise where the data is there."""
    (loaded,) = load_splits("fashion_mnist", "standard", None, Machine(data=data_folder))

    assert split_sizes("fashion_mnist", "standard", None) == [(len(loaded.train), len(loaded.valid))]
    assert placeholder_split("fashion_mnist", "standard", None).train.x.shape == loaded.train.x.shape


def test_folds_cost_a_network_each():
    """Set-up and steps add up over the folds; the last batch of each may be short."""
    shape = NetworkShape(parameters=10, forward=3, backward=5, unaligned=2, values=7, draws=16)

    terms = network_terms(shape, [(100, 50), (101, 49)], 50)

    assert terms.set_up == {"networks": 2.0, "parameters": 20.0}
    assert terms.epoch == {
        "steps": 5.0,
        "rows": 300.0,
        "updates": 50.0,
        "spill": 500.0,
        "values": (2 * 201 + 99) * 7.0,
        "multiply_adds": 201 * 8 + 99 * 3.0,
        "unaligned": (3 * 201 + 99) * 2.0,
        "draws": 201 * 16.0,
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_what_an_epoch_costs_grows_with_the_data(name):
    """Ten times the rows are ten times every count, so that a part can be timed for the whole."""
    objective = OBJECTIVES[name]()
    shape = objective.network_shape(objective.space.sample(np.random.default_rng(4)))

    part, whole = (network_terms(shape, [(6400 * k, 1280 * k)], 64).epoch for k in (1, 10))

    assert whole == {term: 10 * number for term, number in part.items()}


# Probes.


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.slow
def test_a_probe_of_short_epochs_is_the_whole_trial(name):
    """Digits are trained from beginning to end by the reference loop: the same errors come out."""
    objective = OBJECTIVES[name](epochs=2)
    config = objective.space.sample(np.random.default_rng(6))

    probe = objective.probe(config, SEED, Machine(), 1197)

    errors = [epoch.valid_error for epoch, _ in zip(probe.epochs, range(2), strict=False)]
    reference = [
        epoch.valid_error for epoch, _ in zip(objective.reference(config, SEED, Machine()), "ab", strict=False)
    ]
    assert (probe.whole, probe.count, probe.terms) == (True, 2, objective.cost_terms(config))
    assert errors == reference


@pytest.mark.parametrize("name", NETWORKS)
def test_a_probe_of_long_epochs_is_an_excerpt(name):
    """Its terms are those of the rows it trains on."""
    objective = OBJECTIVES[name]()
    config = objective.space.sample(np.random.default_rng(7))

    probe = objective.probe(config, SEED, Machine(), 400)

    assert (probe.whole, probe.count) == (False, 2)
    assert probe.terms.epoch["rows"] == 400 + 100
    assert probe.terms.set_up == objective.cost_terms(config).set_up
    assert all(epoch.seconds > 0 for epoch, _ in zip(probe.epochs, "ab", strict=False))


@pytest.mark.parametrize(
    ("rows", "cut"), [(60, [(60, 6), (30, 3)]), (1000, [(600, 60), (300, 30)]), (1, [(1, 1), (1, 1)])]
)
def test_excerpts_keep_proportions(rows, cut):
    """All divisions are cut by the same factor, none to nothing, and none is made longer."""
    assert excerpt_sizes([(600, 60), (300, 30)], rows) == cut


@pytest.mark.parametrize("place", [0.0, 0.3, 0.999999])
def test_an_excerpt_lies_in_the_data(place):
    """It is consecutive, of the size announced, and the test set is left out."""
    seen = []

    def watch(network, split, **options):
        seen.append(split)
        return train(network, split, **options)

    x = torch.arange(1000.0).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)
    images = Images(x=x, y=torch.zeros(1000, dtype=torch.int64))
    split = Split(train=images, valid=images, test=images)
    train_on_excerpt(watch, 100, place)(nn.Identity(), split, learning_rate=0.1, batch_size=10, key=trial_key(SEED, 0))

    (part,) = seen
    first = int(part.train.x[0, 0, 0, 0])
    assert torch.equal(part.train.x[:, 0, 0, 0], torch.arange(first, first + 100.0))
    assert first % 16 == 0
    assert abs(first - place * 900) < 16
    assert part.test is part.valid


def test_a_subclass_with_options_of_its_own_is_told_apart():
    """An option that changes a network changes which calibration serves."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Wide(Users):
        width: int = 3

    assert Wide().cost_options({}) == {"data": "digits", "split": "standard", "width": 3}
    assert replace(Wide(), width=4, epochs=7).cost_options({})["width"] == 4
