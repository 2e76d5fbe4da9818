"""Grids and conditional spaces: what a plan says of them is read and drawn, and what no suite writes is refused."""

import pytest

from analysis.__main__ import main
from analysis.loading.plan import read_plan
from analysis.loading.results import load
from benchmark.errors import BadInput

GRID = {
    "learning_rate": {"kind": "ordinal", "choices": [0.001, 0.01, 0.1, 1.0]},
    "width": {"kind": "ordinal", "choices": [10, 20, 30]},
}
CONDITIONAL = {
    "learning_rate": {"kind": "float", "low": 1e-4, "high": 1.0, "log": True},
    "layers": {"kind": "int", "low": 1, "high": 3, "log": False},
    "width_2": {"kind": "int", "low": 8, "high": 64, "log": False, "when": {"parent": "layers", "values": [2, 3]}},
    "gate": {"kind": "categorical", "choices": ["a", "b"], "when": {"parent": "layers", "values": [3]}},
}


@pytest.mark.slow
def test_a_grid_is_read_and_drawn(suite, planted_evaluation, tmp_path):
    """Listed numbers are axes like others: on a logarithmic scale where they are spread so."""
    suite.objective("grid", GRID, {"learning_rate": 0.1, "width": 20})
    configs = [{"learning_rate": 0.01, "width": 30}, {"learning_rate": 1.0, "width": 10}]
    suite.run(
        [planted_evaluation(i, 0.5, 0.5, 1.0 + i, config=config) for i, config in enumerate(configs)], objective="grid"
    )

    rate, width = read_plan(suite.folder).objectives[1].space

    assert (rate.log, rate.low, rate.high, rate.choices) == (True, 0.001, 1.0, (0.001, 0.01, 0.1, 1.0))
    assert (width.log, width.low, width.high) == (False, 10, 30)
    assert main(["plots", "planted", "--results", str(tmp_path / "results"), "--quiet"]) == 0
    assert (suite.folder / "figures" / "learning_rate-grid.png").is_file()


@pytest.mark.slow
def test_a_conditional_space_is_read_and_drawn(suite, planted_evaluation, tmp_path):
    """Configurations without the values that do not count; those of some panels have no point there."""
    suite.objective("deep", CONDITIONAL, {"learning_rate": 0.1, "layers": 2, "width_2": 32})
    configs = [
        {"learning_rate": 0.01, "layers": 1},
        {"learning_rate": 0.02, "layers": 2, "width_2": 16},
        {"learning_rate": 0.03, "layers": 3, "width_2": 8, "gate": "b"},
    ]
    evaluations = [planted_evaluation(i, 0.5, 0.5, 1.0 + i, config=config) for i, config in enumerate(configs)]
    evaluations.append(planted_evaluation(3, None, None, 9.0, config=configs[0]))
    suite.run(evaluations, objective="deep")

    assert main(["plots", "planted", "--results", str(tmp_path / "results"), "--quiet"]) == 0

    assert (suite.folder / "figures" / "landscape-deep.png").is_file()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"learning_rate": 0.1, "layers": 2}, "width_2 = nothing is not in the planned space"),
        ({"learning_rate": 0.1, "layers": 1, "width_2": 16}, "width_2 = 16 is not in the planned space"),
        ({"learning_rate": 0.1, "layers": 2, "width_2": 16, "gate": "a"}, "gate = 'a' is not in the planned space"),
        ({"learning_rate": 0.1, "layers": 3, "width_2": 16, "gate": "c"}, "gate = 'c' is not in the planned space"),
        ({"layers": 1}, "learning_rate = nothing is not in the planned space"),
    ],
    ids=str,
)
def test_a_configuration_of_another_conditional_space_is_refused(suite, planted_evaluation, config, message):
    """A value that should count and is missing, or that should not be there."""
    suite.objective("deep", CONDITIONAL)
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, config=config)], objective="deep")

    with pytest.raises(BadInput, match=f"configuration of deep: {message}"):
        load(suite.folder)


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ({"kind": "ordinal"}, "choices = None: need a value of type list"),
        ({"kind": "ordinal", "choices": []}, r"space.x.choices = \[\]: need numbers"),
        ({"kind": "ordinal", "choices": ["a"]}, r"space.x.choices = \['a'\]: need numbers"),
        ({"kind": "ordinal", "choices": [True]}, r"space.x.choices = \[True\]: need numbers"),
        ({"kind": "ordnal"}, "space.x.kind = 'ordnal': need float, int, ordinal or categorical"),
        (
            {"kind": "int", "low": 0, "high": 1, "when": {}},
            r"space.x.when = {}: need a table of parent, one of \['y'\]",
        ),
        ({"kind": "int", "low": 0, "high": 1, "when": {"parent": "x", "values": [1]}}, "space.x.when = {'parent': 'x'"),
        ({"kind": "int", "low": 0, "high": 1, "when": {"parent": "y", "values": 1}}, "space.x.when = {'parent': 'y'"),
        ({"kind": "int", "low": 0, "high": 1, "when": "y"}, "space.x.when = 'y': need a table"),
    ],
    ids=str,
)
def test_a_space_that_no_suite_writes_is_refused(suite, axis, message):
    """Kinds, choices and conditions of the plan: one message with field, value and rule."""
    suite.objective("odd", {"y": {"kind": "int", "low": 0, "high": 1, "log": False}, "x": axis})

    with pytest.raises(BadInput, match=rf"suite\.json: {message}"):
        read_plan(suite.folder)
