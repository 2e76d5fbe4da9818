"""DeepCAVE folders, read back as its converter documents: pandas and ConfigSpace."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import BadInput

METRIC = re.compile(r"metric:(\w+) \[(-?\d+\.?\d*|[-+]inf); (-?\d+\.?\d*|[-+]inf)\] \((\w+)\)")
"""How the converter's documentation writes an objective's column."""


@pytest.fixture
def folder(varied, exported):
    """The exported folder of the varied suite."""
    return exported(varied.folder, "deepcave")[1]


def test_a_folder_for_every_run_with_a_ledger(folder):
    """Runs of an objective lie side by side, for that is what DeepCAVE offers to choose from."""
    names = sorted(path.name for path in (folder / "net").iterdir())
    assert names == ["asha-000", "asha-001", "random-000", "random-001", "random-002"]
    assert "1 of 6 runs missing" in (folder / "export.txt").read_text()


def test_trials_are_the_ledgers(varied, folder):
    """Every evaluation is there with its numbers, its budget, its seed and its status."""
    trials = pd.read_csv(folder / "net" / "random-000" / "trials.csv")
    rows = varied.results.evaluations.iloc[:5]
    [metric] = [name for name in trials if name.startswith("metric")]
    assert METRIC.fullmatch(metric).groups() == ("valid_error", "0.0", "1.0", "minimize")
    expected = rows["valid_error"].replace(np.inf, np.nan).to_numpy()
    np.testing.assert_array_equal(trials[metric].to_numpy(), expected)
    assert trials["status"].tolist() == ["success", "crashed", "success", "success", "timeout"]
    assert trials["start_time"].tolist() == rows["start"].tolist()
    assert trials["end_time"].tolist() == rows["end"].tolist()
    assert (trials["budget"] == 2).all()
    assert (trials["seed"] == 0).all()
    assert trials["config_id"].tolist() == [0, 1, 2, 3, 4]


def test_the_same_configuration_has_the_same_number(folder):
    """A promoted trial is one configuration at several budgets."""
    trials = pd.read_csv(folder / "net" / "asha-000" / "trials.csv")
    assert trials["config_id"].tolist() == [0, 1, 1, 1]
    assert trials["budget"].tolist() == [2, 2, 4, 8]


def test_configurations_are_legal_in_the_space(varied, folder):
    """Space and configurations fit when ConfigSpace builds them from the two files, as the converter does."""
    configuration_space = pytest.importorskip("ConfigSpace")
    axes = pd.read_csv(folder / "net" / "random-000" / "configspace.csv")
    space = configuration_space.ConfigurationSpace()
    makers = {"float": configuration_space.Float, "integer": configuration_space.Integer}
    kinds = {"float": float, "integer": int}
    for _, row in axes.iterrows():
        if row["type"] == "categorical":
            items = [str(row[name]) for name in axes if name.startswith("item_") and pd.notna(row[name])]
            space.add(configuration_space.Categorical(row["name"], items=items, default=row["default"]))
            continue
        bounds = tuple(map(kinds[row["type"]], (row["lower"], row["upper"])))
        default = float(row["default"]) if pd.notna(row["default"]) else None
        axis = makers[row["type"]](row["name"], bounds=bounds, default=default, log=bool(row["log"]))
        space.add(axis)
    assert space["learning_rate"].log
    assert (space["batch"].lower, space["batch"].upper) == (16, 256)
    assert space["activation"].choices == ("relu", '="none"', "=true", "=0.5")
    trials = pd.read_csv(folder / "net" / "random-000" / "trials.csv")
    configs = varied.results.configs(varied.results.evaluations.iloc[:5])
    for place, config in enumerate(configs):
        values = trials.loc[place, list(space.keys())].to_dict()
        read = dict(configuration_space.Configuration(space, values=values))
        assert (read["learning_rate"], read["units"], read["batch"]) == (
            config["learning_rate"],
            config["units"],
            config["batch"],
        )


def test_conditional_spaces_are_left_out(plant, exported):
    """What the format cannot say is not invented: such an objective is named, and without another one refused."""
    suite = plant()
    when = {"parent": "kind", "values": ["deep"]}
    depth = {"kind": "int", "low": 1, "high": 4, "when": when}
    suite.objective("net", {"kind": {"kind": "categorical", "choices": ["deep", "flat"]}, "depth": depth})
    suite.run([(0.3, 0.3, 1.0)])
    suite.run([], objective="net")
    _, folder = exported(suite.folder, "deepcave")
    assert sorted(path.name for path in folder.iterdir()) == ["bowl", "export.txt"]
    assert "net is left out: depth counts only for some values of kind" in (folder / "export.txt").read_text()
    del suite.plan["objectives"][0]
    suite.set()
    with pytest.raises(BadInput, match="nothing can be exported to DeepCAVE: net is left out"):
        exported(suite.folder, "deepcave", out=str(suite.folder / "again"))
    assert not (suite.folder / "again").exists()


def test_the_same_bytes_twice(varied, folder, exported):
    """An export made again is the same."""
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*.csv"))}
    exported(varied.folder, "deepcave")
    assert {path: path.read_bytes() for path in sorted(folder.rglob("*.csv"))} == before
