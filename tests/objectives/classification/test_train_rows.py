"""Networks that train on the first images of the training set only."""

import itertools

import numpy as np
import pytest
import torch

from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.training.data import load_splits
from objectives.training.network_cost import split_sizes

MACHINE = Machine()
pytestmark = pytest.mark.usefixtures("one_thread")


def errors_of(epochs):
    """The validation errors of the first two epochs."""
    return [epoch.valid_error for epoch in itertools.islice(epochs, 2)]


@pytest.mark.parametrize("split", ["standard", "book"])
def test_the_first_rows_are_kept(split):
    """Training is on the first images in their order; validation and test are whole."""
    (whole,), (few,) = (load_splits("digits", split, None, MACHINE, rows) for rows in (None, 100))
    assert torch.equal(few.train.x, whole.train.x[:100])
    assert torch.equal(few.train.y, whole.train.y[:100])
    assert torch.equal(few.valid.x, whole.valid.x)
    assert torch.equal(few.test.x, whole.test.x)
    assert split_sizes("digits", split, None, 100) == [(100, len(few.valid))]


def test_all_rows_are_the_same_as_none_said():
    """The whole training set by number gives the bits of the default."""
    curves = []
    for rows in (None, 1197):
        objective = SoftmaxRegression(train_rows=rows)
        curves.append(errors_of(objective.train({"learning_rate": 0.1}, np.random.SeedSequence(1), MACHINE)))
    assert curves[0] == curves[1]


@pytest.mark.parametrize("made", [SoftmaxRegression, DropoutMLP])
def test_the_routes_agree(made):
    """The faster loop trains the same images as the reference loop."""
    objective = made(train_rows=90)
    config, seed = objective.default or {"learning_rate": 0.1}, np.random.SeedSequence(3)
    assert errors_of(objective.train(config, seed, MACHINE)) == errors_of(objective.reference(config, seed, MACHINE))


def test_a_stack_has_these_images():
    """The stacked route of softmax regression holds the first rows alone."""
    stack = SoftmaxRegression(train_rows=90).stack(MACHINE, 2)
    assert torch.equal(stack.split.train.y, load_splits("digits", "standard", None, MACHINE)[0].train.y[:90])


def test_prices_count_the_rows_that_are_trained():
    """Work follows the rows; the calibration is that of all of them."""
    whole, few = LeNet(), LeNet(train_rows=100)
    assert few.cost_options({}) == whole.cost_options({})
    config = {"learning_rate": 0.1, "batch_size": 50}
    assert few.cost_terms(config).epoch["steps"] == 2
    assert few.cost_terms(config).epoch["rows"] == 100 + 300
    assert few.row_counts == whole.row_counts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_rows": 0}, "train_rows = 0"),
        ({"train_rows": 1198}, "1..1197"),
        ({"train_rows": 1498, "split": "book"}, "1..1497"),
        ({"train_rows": True}, "train_rows = True"),
        ({"train_rows": 50_001, "data": "fashion_mnist"}, "1..50000"),
        ({"train_rows": 100, "folds": 3}, "not with folds"),
    ],
)
def test_rows_out_of_range_are_refused(options, message):
    """The message names what is allowed, without loading the data."""
    with pytest.raises(ValueError, match=message):
        LeNet(**options)
