"""Metrics that a suite chooses: exact counts of networks, modelled seconds that repeat, and what is refused."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmark.batching.run_group import execute_group
from benchmark.calibration.cost_model import load_calibration
from benchmark.construction.objective_factory import build_objective
from benchmark.driver.objective_notes import unpriced_notes
from benchmark.errors import BadInput
from benchmark.reproducibility.environment import describe_environment
from benchmark.storage.ledger_format import evaluations_of, read_ledger
from benchmark.suite.parsing import parse
from benchmark.tuning.run_settings import RunSettings
from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.training.network_cost import placeholder_split

pytestmark = pytest.mark.slow


def suite_of(metrics, *, clock="modelled", name="softmax", **options):
    """One trial of softmax regression, in two epochs."""
    table = {"budget": {"trials": 1}, "clock": clock, "calibration": "epyc"}
    objective = {"name": name, "metrics": metrics, **options}
    return parse("s", {**table, "objectives": {"x": objective}, "algorithms": {"random": {"searcher": "random"}}})


def recorded(suite, folder):
    """The record of its one trial."""
    settings = RunSettings(folder=folder, machine=Machine(), environment=describe_environment("cpu", 1))
    (run,) = suite.runs()
    execute_group([run], settings)
    (record,) = evaluations_of(read_ledger(folder / run.path).records)
    return record


def test_a_network_tells_its_size_and_its_modelled_seconds(tmp_path):
    """64 inputs and 10 classes; the seconds of training are the calibration's, up to each epoch."""
    metrics = ["error", "parameters", "multiply_adds", "train_seconds"]
    first, second = (recorded(suite_of(metrics, epochs=2), tmp_path / name) for name in "ab")

    assert first["valid_metrics"] == second["valid_metrics"]
    assert first["valid_metrics"]["error"] == first["valid_curve"]
    assert first["valid_metrics"]["parameters"] == [650, 650]
    assert first["valid_metrics"]["multiply_adds"] == [640, 640]
    assert first["valid_metrics"]["train_seconds"][-1] == first["modelled_seconds"]
    assert first["test_metrics"] == {"error": first["test_curve"]}


def test_seconds_are_measured_under_the_measured_clock(tmp_path):
    """All training so far, at the epoch that was reached, and one prediction."""
    record = recorded(suite_of(["error", "train_seconds", "inference_seconds"], clock="measured", epochs=2), tmp_path)
    assert record["valid_metrics"]["train_seconds"] == [None, record["train_seconds"]]
    assert 0 < record["valid_metrics"]["inference_seconds"][0] < 0.01


@pytest.mark.slow  # The counter loads much of torch.
@pytest.mark.parametrize("objective", [SoftmaxRegression(), LeNet(), DropoutMLP(), LeNet(data="fashion_mnist")])
def test_counts_are_those_of_torch(objective):
    """Torch counts two operations a multiply-add, and holds the parameters."""
    config = objective.space.sample(np.random.default_rng(0))
    split = placeholder_split(objective.data, objective.split, objective.folds)
    with torch.device("meta"):
        network = objective.network(config, split).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, *split.train.x.shape[1:]))

    assert objective.count_metrics(config) == {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_adds": counter.get_total_flops() / 2,
    }


def test_a_prediction_costs_a_part_of_an_epoch():
    """The price of an epoch is that of its training and of so many predictions as it validates on."""
    objective, model = (
        DropoutMLP(),
        load_calibration("epyc").cost_model("dropout_mlp", {"data": "digits", "split": "standard"}),
    )
    config = objective.space.sample(np.random.default_rng(0))
    terms, whole = objective.prediction_terms(config), objective.cost_terms(config)
    assert 0 < 300 * model.price_of_epoch(terms) < model.price_of_epoch(whole)
    assert terms.epoch["steps"] == terms.epoch["updates"] == terms.epoch["draws"] == 0


REFUSED = {
    "unknown": (
        ["error", "parameter"],
        "objectives.x.metrics: 'parameter': there are error, parameters, multiply_adds",
    ),
    "not first": (["parameters", "error"], "algorithms see 'error', so begin with it"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_metrics_than_are_offered_are_refused(case):
    """The message lists what there is."""
    metrics, message = REFUSED[case]
    with pytest.raises(BadInput) as refused:
        build_objective(suite_of(metrics).objectives[0])
    assert message in str(refused.value)


def test_a_class_that_declares_metrics_may_record_fewer():
    """The suite names those that are recorded."""
    name = "tests.benchmark.fakes.metric_toy:MetricToy"
    objective = build_objective(suite_of(["accuracy"], name=name).objectives[0])
    assert [metric.name for metric in objective.metrics] == ["accuracy"]


@pytest.mark.parametrize("clock", ["modelled", "measured"])
@pytest.mark.parametrize("name", ["softmax", "mlp", "lenet"])
def test_a_prediction_without_a_price_is_said_before_the_start(tmp_path, name, clock):
    """The shipped prices have none for softmax regression; whatever is not warned of is in the record."""
    suite = suite_of(["error", "inference_seconds"], name=name, clock=clock, epochs=1)
    notes = list(unpriced_notes(suite, {"x": build_objective(suite.objectives[0])}))
    assert len(notes) == ((name, clock) == ("softmax", "modelled"))
    assert all(note.startswith("warning: x: inference_seconds will not be measured in any trial") for note in notes)
    (seconds,) = recorded(suite, tmp_path)["valid_metrics"]["inference_seconds"]
    assert (seconds is None) == bool(notes)
