"""Metrics and constraints in a suite: what is optimised, what is only recorded, and what is refused."""

import json
import tomllib

import numpy as np
import pytest

from benchmark.construction.objective_factory import build_objective
from benchmark.errors import BadInput
from benchmark.result_folder.suite_json_writer import write_suite_json
from benchmark.suite.parsing import parse
from objectives.metric import Metric
from objectives.task import Constraint

REST = {"budget": {"trials": 1}, "algorithms": {"random": {"searcher": "random"}}}
TWO = """
    function = "tests.benchmark.fakes.functions:two_metrics"
    space = { x = { uniform = [0, 1] } }
    metrics = { loss = { reference = 2 }, size = { reference = 9 } }
"""
TOY = 'name = "tests.benchmark.fakes.metric_toy:MetricToy"\n'
MLP = 'name = "dropout_mlp"\n'


def suite_of(text):
    """A suite of the objective `x`, from the TOML of its table."""
    return parse("suite", {**REST, "objectives": {"x": tomllib.loads(text)}})


def plan_of(suite, folder):
    """What `suite.json` says of its objective."""
    folder.mkdir()
    write_suite_json(folder, suite, {"x": build_objective(suite.objectives[0])})
    (described,) = json.loads((folder / "suite.json").read_text())["objectives"]
    return described


def built(text):
    """That objective."""
    return build_objective(suite_of(text).objectives[0])


def test_a_function_declares_references_and_constraints():
    """Both metrics are optimised; the bound is recorded as the suite writes it, and as a number for readers."""
    objective = built(f"{TWO}constraints.size.upper = 5")
    assert [metric.name for metric in objective.task.optimised] == ["loss", "size"]
    assert objective.task.references == (2, 9)
    assert objective.constraints == (Constraint("size", upper=5),)


def test_metrics_that_are_chosen_may_be_given_a_reference():
    """A table changes reference, best and unit of an objective's own metrics; a list of names changes nothing."""
    objective = built(f"{TOY}metrics = {{ accuracy = {{ reference = 5 }}, parameters = {{ best = 0, unit = 'k' }} }}")
    accuracy = Metric("accuracy", goal="max", unit="%", best=100, chance=10, reference=5)
    assert objective.metrics == (accuracy, Metric("parameters", best=0, unit="k", reference=2000.0))
    listed = built(f'{TOY}metrics = ["accuracy", {{ name = "parameters", reference = 3 }}]')
    assert listed.metrics[1] == Metric("parameters", reference=3)


def test_a_metric_that_is_only_constrained_is_not_optimised():
    """It is recorded beside those that are chosen, and its reference is not there."""
    objective = built(f"{TOY}metrics = ['accuracy']\nconstraints = {{ parameters = {{ upper = 500 }} }}")
    assert objective.metrics[1] == Metric("parameters")
    assert not objective.task.is_multi_objective
    assert objective.task.is_feasible({"accuracy": 1.0, "parameters": 500.0})
    assert not objective.task.is_feasible({"accuracy": 1.0, "parameters": 501.0})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dropout_mlp", "mlp"])
def test_networks_refer_to_the_largest_of_their_space(name):
    """No network that is drawn is larger, and the space has one as large."""
    objective = built(f'name = "{name}"\nmetrics = ["error", "parameters", "multiply_adds"]')
    references = dict(zip(["parameters", "multiply_adds"], objective.task.references[1:], strict=True))
    rng = np.random.default_rng(0)
    drawn = [objective.space.sample(rng) for _ in range(50)]
    largest = objective.space.decode(np.ones(len(objective.space)))
    counts = [objective.inner.count_metrics(config) for config in (*drawn, largest)]
    assert {name: max(count[name] for count in counts) for name in references} == references
    assert objective.task.ideals == (0.0, 0.0, 0.0)


@pytest.mark.slow
def test_networks_of_one_size_have_no_reference():
    """Softmax regression has as many parameters whatever its learning rate: there is nothing to gain."""
    assert not built('name = "softmax"\nmetrics = ["error", "parameters"]').task.is_multi_objective


def test_the_plan_holds_constraints_and_known_fronts(tmp_path):
    """Objectives without either have no such entry and no such file."""
    both = suite_of(f"{TWO}constraints = {{ size = {{ lower = 1, upper = 5 }} }}")
    described = plan_of(both, tmp_path / "both")
    assert described["constraints"] == [{"metric": "size", "lower": 1.0, "upper": 5.0}]
    assert [metric["reference"] for metric in described["metrics"]] == [2, 9]
    assert "constraints" not in plan_of(suite_of('name = "branin"'), tmp_path / "plain")
    assert not (tmp_path / "plain" / "fronts").exists()


def test_only_constraints_change_the_identity_of_a_run():
    """A suite without any has the identity that it always had."""
    (plain,), (constrained,) = (suite_of(text).runs() for text in (TWO, f"{TWO}constraints.size.upper = 5"))
    assert "constraints" not in plain.identity()["objective"]
    assert constrained.identity()["objective"]["constraints"] == {"size": {"upper": 5}}


REFUSED = {
    "misspelt": ('name = "branin"\nconstraint.error.upper = 5', "x.constraint: unknown key, allowed are noise, epochs"),
    "misspelt, with the nearest match": ('name = "branin"\nconstraint.x.upper = 5', '(did you mean "constraints"?)'),
    "no reference of the first": (
        TWO.replace("loss = { reference = 2 }", "loss = {}"),
        "objectives.x: metrics.loss.reference: missing; size is optimised besides it, so declare a reference",
    ),
    "reference at the best": (
        TWO.replace("reference = 9", "reference = 9, best = 9"),
        "objectives.x.metrics.size: reference = 9: need a number above best = 9",
    ),
    "reference better than the best": (
        f"{TOY}metrics = {{ accuracy = {{ reference = 101 }} }}",
        "objectives.x.metrics.accuracy: reference = 101: need a number below best = 100",
    ),
    "nan as a reference": (
        TWO.replace("reference = 9", "reference = nan"),
        "objectives.x.metrics.size: reference = nan: need a finite number",
    ),
    "another goal": (
        f'{TOY}metrics = {{ accuracy = {{ goal = "min" }} }}',
        "objectives.x.metrics.accuracy.goal = 'min': it is \"max\"; leave it out",
    ),
    "unknown key of a chosen metric": (
        f"{TOY}metrics = {{ accuracy = {{ referense = 1 }} }}",
        "objectives.x.metrics.accuracy.referense: unknown key, allowed are goal, reference, best, unit, typical "
        '(did you mean "reference"?)',
    ),
    "a chance value of a chosen metric": (f"{TOY}metrics = {{ accuracy = {{ chance = 1 }} }}", "chance: unknown key"),
    "unknown metric": (
        f"{TOY}metrics = {{ accuracy = {{}}, parameter = {{}} }}",
        "objectives.x.metrics: 'parameter': there are accuracy, parameters (did you mean \"parameters\"?)",
    ),
    "constraint on an unknown metric of a class": (
        f"{TOY}constraints.parameter.upper = 5",
        "objectives.x.constraints: 'parameter': there are accuracy, parameters (did you mean \"parameters\"?)",
    ),
    "constraint on an unknown metric of a function": (
        f"{TWO}constraints.sizes.upper = 5",
        "objectives.x: constraints: 'sizes' is no metric, there are loss, size (did you mean \"size\"?)",
    ),
    "lower above upper": (
        f"{TWO}constraints.size = {{ lower = 6, upper = 5 }}",
        "objectives.x.constraints.size.lower = 6: need a number not above upper = 5",
    ),
    "no bound": (f"{TWO}constraints.size = {{}}", "objectives.x.constraints.size: it has no bound; need lower, upper"),
    "nan bound": (f"{TWO}constraints.size.upper = nan", "objectives.x.constraints.size.upper = nan: need a finite"),
    "infinite bound": (f"{TWO}constraints.size.upper = inf", "constraints.size.upper = inf: need a finite number"),
    "text as a bound": (f"{TWO}constraints.size.upper = '5'", "constraints.size.upper = '5': need a finite number"),
    "unknown bound": (
        f"{TWO}constraints.size.uper = 5",
        'objectives.x.constraints.size.uper: unknown key, allowed are lower, upper (did you mean "upper"?)',
    ),
    "a bound alone": (f"{TWO}constraints.size = 5", "objectives.x.constraints.size = 5: need a table of bounds"),
    "a list": (f"{TWO}constraints = ['size']", "objectives.x.constraints = ['size']: need a table by metric"),
    "never feasible": (
        f"{TOY}constraints.accuracy.lower = 101",
        "objectives.x.constraints.accuracy.lower = 101: no trial can be feasible, the best value that there can be",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused(case):
    """With the field, the value, what is allowed and the nearest match, when the objective is built at the latest."""
    text, message = REFUSED[case]
    with pytest.raises(BadInput) as refused:
        built(text)
    assert message in str(refused.value)
