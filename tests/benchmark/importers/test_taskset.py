"""TaskSet's curves: steps become epochs, NaN ends a training, and both test and validation losses are there."""

import json
import math

import numpy as np
import pytest

from benchmark.errors import BadInput
from benchmark.importers.taskset import read_table, table_name
from benchmark.tables.table_file import write_table

CONFIG = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "l1": 1e-4, "l2": 1e-4}
CONFIG |= {"linear_decay": 1e-5, "exponential_decay": 1e-4}


def record(valid, **changes):
    """A configuration with its curves; the test loss is twice the validation loss."""
    curves = {"train": valid, "valid": valid, "test": [2 * x for x in valid]}
    return {"hp": {**CONFIG, **changes}, **{part: {"loss": curve} for part, curve in curves.items()}}


RECORDS = [record([0.7, 0.5, 0.4]), record([0.9, math.nan, math.nan], l1=1.0), record([0.8, 0.9, 0.6], l2=1.0)]


@pytest.fixture
def write(tmp_path):
    """Write records, or any text, as a file of TaskSet."""

    def write(content):
        path = tmp_path / "FixedTextRNNClassification_imdb_GRU.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_curves_and_what_a_diverged_training_is_worth(write, tmp_path):
    """A training that met NaN ends there with the median loss of all configurations after their first step."""
    path = write(RECORDS)
    table = write_table(tmp_path / "a.npz", read_table(path))
    assert table_name(path) == "imdb_GRU"
    chance = 0.8
    np.testing.assert_array_equal(table.valid[:, 0], [[0.7, 0.5, 0.4], [0.9, chance, math.nan], [0.8, 0.9, 0.6]])
    np.testing.assert_array_equal(table.test[:, 0], [[1.4, 1.0, 0.8], [1.8, chance, math.nan], [1.6, 1.8, 1.2]])
    assert table.reached.tolist() == [[3], [2], [3]]
    assert table.diverged.tolist() == [[False], [True], [False]]
    assert table.metrics[0].chance == chance
    assert table.space.member(0)["one_minus_beta1"] == pytest.approx(0.1)
    assert table.typical_seconds == 3.0


def test_ends_cover_validation_and_test(write):
    """The best value is the best of both, the typical one the median of all ends, failures included."""
    metric = read_table(write(RECORDS)).metrics[0]
    assert (metric.best, metric.typical) == (0.4, 0.6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "not JSON"),
        ("[Infinity]", "it holds Infinity; of what is no number only NaN"),
        ("{}", "need a list of configurations"),
        ([{"hp": CONFIG}], "configuration 0: need hp, train, valid, test"),
        ([record([0.1]), record([0.1, 0.2], l1=1.0)], "configuration 1: train.loss = "),
        ([record(["a"])], "configuration 0: train.loss = \\['a'\\]"),
        ([record([0.1], l1=1e9)], "configuration 0: hp: l1 = 1000000000.0: outside"),
        ([record([0.1], beta1=None)], "hp.beta1 = None: need a number"),
        ([record([0.1, math.nan, 0.2])], "configuration 0: valid.loss: a number after NaN, need none"),
        ([{**record([0.1]), "test": {"loss": [math.nan]}}], "test.loss: need NaN exactly where valid.loss has it"),
    ],
)
def test_what_is_no_task_is_refused(write, content, message):
    """The message names the file and the configuration."""
    with pytest.raises(BadInput, match=message):
        read_table(write(content))
