"""The tables of digits that come with the harness: what they hold against the objectives that they were made of."""

import numpy as np
import pytest

from benchmark.calibration.cost_model import load_calibration
from benchmark.construction.objective_factory import build_objective
from benchmark.suite.parsing import load
from benchmark.tables.names import SHIPPED, find_table
from benchmark.tables.table_file import load_table

ENTRIES = {entry.label: entry for entry in load("digits_tables").objectives}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_shipped_table_is_whole(name):
    """It holds every configuration of its grid, with modelled seconds and its own best and typical error."""
    table = load_table(find_table(f"digits:{name}"))
    objective = build_objective(ENTRIES[name])
    assert (SHIPPED / "digits" / f"{name}.npz").stat().st_size <= 2_000_000
    diverged = int(table.diverged.sum())
    assert int((table.reached < objective.max_epochs).sum()) <= diverged
    (metric,) = table.metrics
    validation = np.asarray(table.values["error"])
    known = validation[np.isfinite(validation)]
    assert metric.best <= known.min()
    assert metric.best < metric.typical < metric.chance
    model = load_calibration("epyc").cost_model(name, objective.cost_options(ENTRIES[name].part.options))
    for row in np.random.default_rng(0).integers(table.members.size, size=5).tolist():
        config, reached = table.members.member(row), int(table.reached[row, 0])
        price = model.price(objective.cost_terms(config), 0, reached)
        assert float(np.asarray(table.seconds)[row, 0].sum()) == pytest.approx(price, rel=1e-12)
