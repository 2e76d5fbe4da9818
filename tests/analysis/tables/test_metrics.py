"""The table of metrics: all that was measured of what a run selected."""

import math

import pytest

from analysis.loading.results import load
from analysis.tables.metrics import metrics_summary, metrics_table
from benchmark.errors import BadInput

METRICS = [
    {"name": "accuracy", "goal": "max", "unit": "%", "best": 100, "chance": 10, "reference": None},
    {"name": "latency", "goal": "min", "unit": "ms", "best": None, "chance": None, "reference": 5},
]


@pytest.fixture
def measured(suite, planted_evaluation):
    """A suite with two metrics; repetition 1 measured no latency of what it selected, repetition 2 has no result."""
    suite.plan["objectives"][0]["metrics"] = METRICS
    suite.set(repetitions=4)
    for repetition, latencies in enumerate([[9.0, 2.0], [3.0, None]]):
        records = [
            planted_evaluation(0, -50.0, -40.0, 1.0, valid_metrics={"accuracy": [50.0], "latency": [1.0]}),
            planted_evaluation(
                1, -80.0 - repetition, -70.0, 2.0, trial=3, epochs=4,
                valid_metrics={"accuracy": [60.0, 80.0 + repetition], "latency": latencies},
                test_metrics={"accuracy": [55.0, 70.0]},
            ),
            planted_evaluation(2, -80.0, -99.0, 3.0, valid_metrics={"accuracy": [80.0], "latency": [7.0]}),
        ]  # fmt: skip
        suite.run(records, repetition)
    suite.run([(None, None, 1.0)], 2)
    return suite


def test_every_metric_of_every_incumbent_is_there(measured):
    """The values after its last epoch, in their own direction; what was not measured is empty, and never 0."""
    rows = metrics_table(load(measured.folder), measured.folder)
    told = rows[["repetition", "state", "trial", "epochs", "metric", "goal", "unit"]].astype(object)
    assert told.where(told.notna(), None).values.tolist() == [
        [0, "done", 3, 4, "accuracy", "max", "%"], [0, "done", 3, 4, "latency", "min", "ms"],
        [1, "done", 3, 4, "accuracy", "max", "%"], [1, "done", 3, 4, "latency", "min", "ms"],
        [2, "done", None, None, "accuracy", "max", "%"], [2, "done", None, None, "latency", "min", "ms"],
        [3, "missing", None, None, "accuracy", "max", "%"], [3, "missing", None, None, "latency", "min", "ms"],
    ]  # fmt: skip
    values = [[None if math.isnan(value) else value for value in row] for row in rows[["valid", "test"]].values]
    assert values == [[80.0, 70.0], [2.0, None], [81.0, 70.0], [None, None], *[[None, None]] * 4]


def test_means_are_over_the_runs_that_measured(measured):
    """Each with its count; the standard deviation of a single value is undefined."""
    accuracy, latency = metrics_summary(metrics_table(load(measured.folder), measured.folder)).to_dict("records")
    assert (accuracy["n"], accuracy["n_valid"], accuracy["n_test"]) == (2, 2, 2)
    assert (accuracy["valid_mean"], accuracy["test_mean"], accuracy["test_std"]) == (80.5, 70.0, 0.0)
    assert accuracy["valid_std"] == pytest.approx(math.sqrt(0.5))
    assert (latency["n"], latency["n_valid"], latency["valid_mean"], latency["n_test"]) == (2, 1, 2.0, 0)
    assert math.isnan(latency["valid_std"])
    assert math.isnan(latency["test_mean"])


def test_a_record_without_metrics_has_measured_nothing_but_the_first(suite):
    """A ledger from before a metric was recorded still opens: the error it selected by is the first metric."""
    suite.plan["objectives"][0]["metrics"] = METRICS
    suite.set(repetitions=1)
    suite.run([(-80.0, None, 1.0)])
    accuracy, latency = metrics_table(load(suite.folder), suite.folder).to_dict("records")
    assert accuracy["valid"] == 80.0
    assert all(math.isnan(value) for value in (accuracy["test"], latency["valid"], latency["test"]))


@pytest.mark.parametrize("metrics", [[1.0], {"latency": 1.0}, {"latency": [True]}, {"latency": ["<script>"]}])
def test_metrics_that_are_no_lists_of_numbers_are_refused(suite, planted_evaluation, metrics):
    """With the run, the evaluation and the field."""
    suite.plan["objectives"][0]["metrics"] = METRICS
    suite.set(repetitions=1)
    suite.run([planted_evaluation(0, -80.0, None, 1.0, valid_metrics=metrics)])
    with pytest.raises(BadInput, match="ledger of bowl/random, repetition 0, index 0: valid_metrics = "):
        metrics_table(load(suite.folder), suite.folder)
