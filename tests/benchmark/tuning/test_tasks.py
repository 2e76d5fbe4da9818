"""Several metrics and constraints in a run: what algorithms learn, what is tested, and what is best."""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from benchmark.batching.run_group import execute_group
from benchmark.construction.objective_factory import build_objective
from benchmark.driver.progress import PlainLines
from benchmark.errors import BadInput
from benchmark.reproducibility.environment import describe_environment
from benchmark.storage.ledger_format import evaluations_of, partial_path, read_ledger
from benchmark.suite.parsing import parse
from benchmark.tuning.evaluation import checked_epoch
from benchmark.tuning.factory import check_suite
from benchmark.tuning.incumbent_test import IncumbentTest
from benchmark.tuning.record_replay import RecordedOutcomes
from benchmark.tuning.run_report import BestSoFar, RunReport
from benchmark.tuning.run_settings import RunSettings
from benchmark.tuning.tuner import Outcome
from benchmark.verification.replay_check import first_divergence
from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.objective import Machine
from objectives.task import Constraint, Task
from tests.benchmark.fakes.metric_toy import MetricToy

ACCURACY, SIZE = Metric("accuracy", goal="max", chance=0.1), Metric("size", reference=9.0)
TASK = Task((ACCURACY, SIZE))
PARETO = "tests.benchmark.fakes.pareto_searcher:ParetoSearcher"


def ended(accuracy, size, end=1.0, state="ok"):
    """The outcome of an evaluation."""
    return Outcome(error=-accuracy, epochs=1, end=end, state=state, metrics={"accuracy": accuracy, "size": size})


def record(trial=0, **changes):
    """A record of one epoch, as far as an outcome is read from it."""
    plain = {"trial": trial, "epochs": 1, "end": 1.0, "state": "ok", "valid_error": -0.5}
    return {**plain, "valid_metrics": {"accuracy": [0.2, 0.5], "size": [None, 3.0]}, **changes}


# What algorithms learn.


def test_an_outcome_has_the_metrics_of_the_last_epoch():
    """In their own direction; of the one classic error under its name; none where there is no result."""
    outcomes = RecordedOutcomes(ACCURACY)
    assert outcomes.outcome(record()).metrics == {"accuracy": 0.5, "size": 3.0}
    assert outcomes.outcome(record(valid_error=None, valid_metrics=None, state="error")).metrics is None
    classic = RecordedOutcomes(Metric("error")).outcome({**record(valid_error=0.25), "valid_metrics": None})
    assert classic.metrics == {"error": 0.25}


def test_an_evaluation_that_trained_no_epoch_has_the_metrics_of_the_one_before():
    """A trial that diverged and is promoted all the same has been trained before; another trial changes nothing."""
    outcomes = RecordedOutcomes(ACCURACY)
    outcomes.outcome(record(state="diverged"))
    outcomes.outcome(record(trial=1, valid_metrics={"accuracy": [0.9], "size": [1.0]}))
    again = outcomes.outcome(record(state="diverged", valid_metrics={"accuracy": [], "size": []}))
    assert again.metrics == {"accuracy": 0.5, "size": 3.0}


BROKEN = {
    "an optimised metric, all with a chance value": ((ACCURACY, Metric("size", reference=9, chance=8)), "size", ()),
    "one that is constrained": ((ACCURACY, Metric("size")), "size", ("size",)),
    "one that is optimised and constrained": (
        (ACCURACY, Metric("size", reference=9, chance=8)),
        "size",
        ("size",),
    ),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_lost_metric_is_a_diverged_trial(case, value):
    """It is worth the vector of chance values; a constrained metric needs none, and is then not known."""
    metrics, lost, constrained = BROKEN[case]
    epoch = Epoch(metrics={"accuracy": 0.7, "size": 3.0, lost: value}, seconds=0.0)
    checked = checked_epoch(epoch, 0, metrics, "toy", constrained)
    assert checked.diverged
    assert checked.metrics == {metric.name: metric.chance for metric in metrics}


@pytest.mark.parametrize("lost", ["accuracy", "size"])
def test_half_a_vector_of_chance_values_is_an_error(lost):
    """An optimised metric without a chance value: nothing says where such a trial lies."""
    epoch = Epoch(metrics={"accuracy": 0.7, "size": 3.0, lost: math.nan}, seconds=0.0)
    with pytest.raises(ValueError, match="size has no chance value; declare a chance value"):
        checked_epoch(epoch, 0, (ACCURACY, SIZE), "toy", ("size",))


def suite_of(objective, *, searcher=PARETO, evaluations=20, **changes):
    """A suite of one run."""
    table = {"budget": {"evaluations": evaluations}, "clock": "modelled", **changes}
    return parse("s", {**table, "objectives": {"x": objective}, "algorithms": {"a": {"searcher": searcher}}})


def executed(suite, folder):
    """Path and records of its one run."""
    settings = RunSettings(folder=folder, machine=Machine(), environment=describe_environment("cpu", 1))
    (run,) = suite.runs()
    (report,) = execute_group([run], settings)
    assert report.state == "done", report.problem
    return run, folder / run.path, report


def repeatable(path):
    """The evaluations of a ledger without what is measured."""
    measured = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
    records = evaluations_of(read_ledger(path).records)
    return [{name: value for name, value in one.items() if name not in measured} for one in records]


CONSTRAINED = {"name": "zdt1", "constraints": {"f2": {"upper": 5.0}}}


@pytest.mark.slow
def test_a_multi_objective_run_goes_on_from_any_record(tmp_path):
    """The same records as undisturbed, and a fresh algorithm that is fed them proposes what it did."""
    suite = suite_of(CONSTRAINED)
    run, path, report = executed(suite, tmp_path)
    whole = repeatable(path)
    objective = build_objective(run.objective)
    assert first_divergence(run, objective, read_ledger(path).records, "done") is None
    assert report.front_size is not None

    lines = path.read_bytes().splitlines(keepends=True)
    partial_path(path).write_bytes(b"".join(lines[:9]))
    path.unlink()
    _, _, again = executed(suite, tmp_path)
    assert repeatable(path) == whole
    assert (again.front_size, again.best_error) == (report.front_size, report.best_error)


@pytest.mark.parametrize("objective", [{"name": "branin"}, {"name": "zdt1", "metrics": ["f1"]}])
def test_an_algorithm_refuses_a_task_that_it_cannot_do(objective):
    """Before anything is written, with its own words under the algorithm's name."""
    with pytest.raises(BadInput, match=r"algorithms\.a\.searcher: pareto takes two optimised metrics or more"):
        check_suite(suite_of(objective))


# What is tested.


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyWithTest(MetricToy):
    """Tests what it is asked for."""

    bounds: tuple[Constraint, ...] = ()

    @property
    def constraints(self):
        return self.bounds

    @property
    def tests_incumbents(self):
        return True


RUN = SimpleNamespace(algorithm=SimpleNamespace(scheduler=SimpleNamespace(name="basic")))


def of_toy(accuracy, parameters, end, state="ok"):
    """The outcome of an evaluation of the toy."""
    return Outcome(
        error=-accuracy, epochs=2, end=end, state=state, metrics={"accuracy": accuracy, "parameters": parameters}
    )


def test_what_may_be_on_the_front_is_tested():
    """Whatever no earlier one dominates, an equal one too; an infeasible one neither is tested nor keeps one out."""
    test = IncumbentTest(RUN, ToyWithTest(bounds=(Constraint("parameters", upper=1000),)), Machine())
    cases = [
        (of_toy(50, 500, 1.0), True),
        (of_toy(40, 600, 2.0), False),
        (of_toy(50, 500, 3.0), True),
        (of_toy(40, 400, 4.0), True),
        (of_toy(90, 1001, 5.0), False),
        (of_toy(80, 1000, 6.0), True),
        (of_toy(90, 300, 7.0, "diverged"), False),
    ]
    for outcome, expected in cases:
        assert test.is_due(outcome) == expected, outcome
        test.note(outcome)
    assert not test.is_due(of_toy(50, 501, 3.5))
    assert test.is_due(of_toy(50, 501, 0.5))  # It ended before any of them.


# What is best.


def test_only_feasible_trials_are_progress():
    """The least error and the front are those of feasible trials; a crashed one is neither."""
    best = BestSoFar(Task((ACCURACY, SIZE), (Constraint("size", upper=5),)))
    best.add(ended(0.9, 6.0))
    assert (best.error, best.front_size) == (math.inf, 0)
    for outcome in (ended(0.5, 5.0), ended(0.4, 5.0), ended(0.3, 1.0), ended(0.3, 1.0)):
        best.add(outcome)
    best.add(Outcome(error=math.inf, epochs=0, end=1.0, state="crashed"))
    assert (best.error, best.front_size) == (-0.5, 3)
    assert BestSoFar(Task((ACCURACY,))).front_size is None


@pytest.mark.parametrize(
    ("error", "front_size", "text"),
    [(-0.5, 12, ": 12 non-dominated trials"), (-0.5, None, "best accuracy 0.5"), (math.inf, None, "best accuracy -")],
)
def test_a_line_says_what_is_best(capsys, tmp_path, error, front_size, text):
    """The size of the front where several metrics are optimised, and nothing before the first feasible trial."""
    run = SimpleNamespace(objective=SimpleNamespace(label="x"), algorithm=SimpleNamespace(label="a"), repetition=0)
    lines = PlainLines()
    lines.start(SimpleNamespace(name="s"), tmp_path, [], [run])
    lines.run_ended(
        RunReport(run=run, state="done", evaluations=1, best_error=error, front_size=front_size, metric=ACCURACY)
    )
    assert text in capsys.readouterr().out


def test_a_feasible_incumbent_alone_is_tested():
    """With one optimised metric an equal one is no incumbent."""
    toy = ToyWithTest(bounds=(Constraint("parameters", upper=1000),))
    test = IncumbentTest(RUN, toy, Machine())
    test.task = Task((toy.metrics[0], Metric("parameters")), toy.constraints)
    cases = [(of_toy(90, 1001, 1.0), False), (of_toy(50, 1000, 2.0), True), (of_toy(50, 10, 3.0), False)]
    for outcome, expected in cases:
        assert test.is_due(outcome) == expected, outcome
        test.note(outcome)
