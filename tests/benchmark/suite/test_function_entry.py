"""Functions in a suite: their keys, their metrics, spaces written in TOML, and what of it is refused."""

import tomllib

import pytest
from scipy import stats

from benchmark.construction.objective_factory import build_objective
from benchmark.construction.space_table import parse_space
from benchmark.driver.objective_notes import function_notes
from benchmark.errors import BadInput
from benchmark.suite.parsing import parse
from objectives.metric import Metric
from tests.benchmark.fakes import functions

FAKES = "tests.benchmark.fakes.functions"
REST = {"budget": {"trials": 1}, "algorithms": {"random": {"searcher": "random"}}}


def entry_of(text):
    """The objective `gb` of a suite, from the TOML of its table."""
    return parse("suite", {**REST, "objectives": {"gb": tomllib.loads(text)}}).objectives[0]


def test_a_function_with_space_default_metrics_and_test():
    """Every key by dotted path; what is left over are arguments of every call."""
    entry = entry_of(f"""
        function = "{FAKES}:accuracy"
        space = "{FAKES}:config_space"
        default = "{FAKES}:default"
        test = "{FAKES}:test_accuracy"
        metrics = {{ accuracy = {{ goal = "max", unit = "%", best = 100, chance = 10 }} }}
        bonus = 2
    """)
    objective = build_objective(entry)

    assert entry.part.name == f"{FAKES}:accuracy"
    assert list(objective.space) == ["x", "kind"]
    assert objective.default == functions.default
    assert objective.metrics == (Metric("accuracy", goal="max", unit="%", best=100, chance=10),)
    assert objective.tests_incumbents


def test_a_name_says_which_way_a_metric_goes():
    """A metric that is named and no more; the line before the start says what was made of it."""
    suite = parse(
        "suite",
        {
            **REST,
            "objectives": {
                "gb": {"function": f"{FAKES}:accuracy", "space": f"{FAKES}:config_space", "metrics": ["accuracy"]}
            },
        },
    )
    (note,) = function_notes(suite, {"gb": build_objective(suite.objectives[0])})
    assert note == (
        f"note: gb: {FAKES}:accuracy over x, kind (read from {FAKES}:config_space); accuracy (higher is better)"
    )


def test_a_space_may_be_written_in_the_suite():
    """Every distribution, a list as a choice, and a condition."""
    space = parse_space(
        "space",
        tomllib.loads("""
            rate = { loguniform = [1e-4, 1] }
            dropout = { uniform = [0, 0.8] }
            units = { integer = [8, 1024], log = true }
            depth = { integer = [1, 4] }
            batch = { ordinal = [16, 32, 64] }
            kernel = ["linear", "rbf"]
            gamma = { loguniform = [0.1, 10], when = { kernel = ["rbf"] } }
        """),
    )
    kinds = {name: (axis.kind, axis.low, axis.high, axis.log) for name, axis in space.axes.items()}
    assert kinds["rate"] == ("float", 1e-4, 1, True)
    assert kinds["dropout"] == ("float", 0, 0.8, False)
    assert kinds["units"] == ("int", 8, 1024, True)
    assert kinds["depth"] == ("int", 1, 4, False)
    assert space.axes["batch"].choices == (16, 32, 64)
    assert space.axes["kernel"].choices == ("linear", "rbf")
    assert space.conditions["gamma"].values == ("rbf",)
    assert space["rate"].dist.name == stats.loguniform(1, 2).dist.name


PATHS = f'function = "{FAKES}:accuracy"\nspace = "{FAKES}:config_space"\n'
REFUSED = {
    "no space": (f'function = "{FAKES}:accuracy"', "objectives.gb.space: missing; say which hyperparameters"),
    "no path": ('function = "accuracy"\nspace = "a:b"', "objectives.gb.function = 'accuracy': need a dotted path"),
    "space 3": (f'function = "{FAKES}:accuracy"\nspace = 3', "objectives.gb.space = 3: need a dotted path"),
    "a name too": (f'{PATHS}name = "x:y"', "it has a name and a function"),
    "epochs": (f"{PATHS}max_epochs = 0", "objectives.gb.max_epochs = 0: need a whole number"),
    "goal": (f'{PATHS}metrics = {{ m = {{ goal = "up" }} }}', "objectives.gb.metrics.m: goal = 'up': need \"min\""),
    "unit": (f'{PATHS}metrics = {{ m = {{ unit = "{"x" * 33}" }} }}', "objectives.gb.metrics.m: unit = "),
    "twice": (f'{PATHS}metrics = ["a", "a"]', "objectives.gb.metrics: 'a' is there twice"),
    "unknown key": (
        f"{PATHS}metrics = {{ m = {{ goals = 1 }} }}",
        "metrics.m.goals: unknown key",
    ),
    "metrics 3": (f"{PATHS}metrics = 3", "objectives.gb.metrics = 3: need a list of names"),
    "not there": ('function = "no.such:f"\nspace = "a:b"', "objectives.gb.function = 'no.such:f': cannot be imported"),
    "no mapping": (f'function = "{FAKES}:accuracy"\nspace = "{FAKES}:accuracy"', "need a Space, or a dict of"),
    "a parameter that the space lacks": (
        f'function = "{FAKES}:accuracy"\nspace.x = {{ uniform = [0, 1] }}',
        f"objectives.gb: kind: a parameter of {FAKES}:accuracy that the space lacks, it has x; add it to the space",
    ),
    "a hyperparameter too many": (
        f"{PATHS}bonuss = 2",
        f'bonuss: {FAKES}:accuracy has no such parameter, it takes x, kind, bonus (did you mean "bonus"?)',
    ),
    "a function as a name": (
        f'name = "{FAKES}:accuracy"',
        "a function with parameters, no objective; to optimise the function itself, write objectives.gb.function = ",
    ),
    "low above high": (
        f'function = "{FAKES}:accuracy"\nspace = {{ x = {{ uniform = [1, 0] }} }}',
        "objectives.gb.space.x: uniform = [1, 0]: need low < high",
    ),
    "log of zero": (
        f'function = "{FAKES}:accuracy"\nspace = {{ x = {{ loguniform = [0, 1] }} }}',
        "a logarithmic scale needs 0 < low < high",
    ),
    "unknown distribution": (
        f'function = "{FAKES}:accuracy"\nspace = {{ x = {{ loguniformly = [1, 2] }} }}',
        'need one of uniform, loguniform, integer, choice, ordinal (did you mean "loguniform"?)',
    ),
    "no distribution": (
        f'function = "{FAKES}:accuracy"\nspace = {{ x = 3 }}',
        "objectives.gb.space.x = 3: need a list",
    ),
    "metrics of a class": ('name = "branin"\nmetrics = { a = {} }', "objectives.gb.metrics: 'a': there are error"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_function_that_cannot_be_used_is_refused(case):
    """With the field, the value, what is allowed and the nearest match."""
    text, message = REFUSED[case]
    with pytest.raises(BadInput) as refused:
        build_objective(entry_of(text))
    assert message in str(refused.value)
