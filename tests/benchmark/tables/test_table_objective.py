"""The objective of a table, compared with the table's arrays by ways that were written for these tests."""

import numpy as np
import pytest

from benchmark.reproducibility.seeding import trial_seed
from benchmark.tables.table_file import write_table
from benchmark.tables.table_objective import TableObjective
from objectives.derived.chosen_metrics import choose_metrics
from objectives.metric import Metric
from objectives.objective import Machine
from objectives.task import dominates
from tests.benchmark.tables_of_tests import LOSS, METRICS, new_table, pool


def objective_of(folder, new, test=None):
    """The objective of a table that is written below a folder."""
    return TableObjective(write_table(folder / "x.npz", new), "toy:x", test)


def trained(objective, row, repetition):
    """All epochs of a training."""
    config = objective.space.member(row)
    epochs = objective.train(config, trial_seed(1, "toy:x", repetition, config), Machine())
    return [next(epochs) for _ in range(objective.max_epochs)]


@pytest.mark.parametrize("make", [new_table, pool])
def test_epochs_are_the_cells_of_the_seed(tmp_path, make):
    """Repetition r meets the seed r modulo their number; every metric and second is the table's."""
    new = make()
    objective = objective_of(tmp_path, new)
    for row, repetition in ((0, 0), (7, 1), (23, 5), (11, 300)):
        epochs, seed = trained(objective, row, repetition), repetition % 3
        for metric in METRICS:
            assert [epoch.metrics[metric.name] for epoch in epochs] == new.values[metric.name][row, seed].tolist()
        assert [epoch.seconds for epoch in epochs] == new.seconds[row, seed].tolist()
        assert [epoch.reported_seconds for epoch in epochs] == new.seconds[row, seed].tolist()
        assert objective.repetition_data(repetition) == {"seed": f"s{seed}"}


def test_test_values_are_the_mean_of_the_other_seeds(tmp_path):
    """Of the same configuration after the same epoch; that is what a table without a test set has by default."""
    new = new_table()
    objective = objective_of(tmp_path, new)
    assert objective.test == "other_seeds"
    for row, seed in ((0, 0), (13, 2)):
        others = [new.values["loss"][row, other] for other in range(3) if other != seed]
        found = [epoch.test_metrics["loss"] for epoch in trained(objective, row, seed)]
        np.testing.assert_allclose(found, np.mean(others, axis=0), rtol=1e-15)


def test_a_tables_own_test_values_come_first(tmp_path):
    """And the others where they are asked for, or none."""
    new = new_table(test_values={"loss": new_table().values["size"]})
    own = objective_of(tmp_path, new)
    assert own.test == "test"
    assert [e.test_metrics for e in trained(own, 4, 1)] == [{"loss": x} for x in new.values["size"][4, 1].tolist()]
    others = trained(objective_of(tmp_path, new, "other_seeds"), 4, 1)[0]
    assert set(others.test_metrics) == {"loss", "accuracy", "size"}
    assert trained(objective_of(tmp_path, new, "none"), 4, 1)[0].test_metrics == {}


@pytest.mark.parametrize(("seeds", "test"), [(1, "other_seeds"), (3, "test")])
def test_test_values_that_are_not_there_are_refused(tmp_path, seeds, test):
    """One seed has no others, and a table without a test set none of its own."""
    with pytest.raises(ValueError, match=f"test = '{test}'"):
        objective_of(tmp_path, new_table(seeds=seeds), test)


def test_where_a_training_diverged_it_is_worth_chance(tmp_path):
    """It ends there; other seeds' test values take the chance value from there on."""
    new = new_table()
    new.reached[5, 1], new.diverged[5, 1] = 2, True
    new.values["loss"][5, 1, 1:] = np.nan
    objective = objective_of(tmp_path, new)
    config = objective.space.member(5)
    epochs = list(zip(range(2), objective.train(config, trial_seed(1, "x", 1, config), Machine()), strict=False))
    assert [epoch.diverged for _, epoch in epochs] == [False, True]
    found = [epoch.test_metrics["loss"] for epoch in trained(objective, 5, 0)]
    second = new.values["loss"][5, 2]
    np.testing.assert_allclose(found, [(new.values["loss"][5, 1, 0] + second[0]) / 2, *((2.0 + second[1:]) / 2)])


def test_the_front_is_that_of_all_cells(tmp_path):
    """Compared with a loop over all pairs: no cell dominates a point of it, and every cell is dominated or on it."""
    new = new_table()
    chosen = choose_metrics(objective_of(tmp_path, new), ["loss", "accuracy"])
    front = {(loss, -accuracy) for loss, accuracy in chosen.front().tolist()}
    cells = zip(new.values["loss"][..., -1].ravel(), -new.values["accuracy"][..., -1].ravel(), strict=True)
    points = {(float(x), float(y)) for x, y in cells}
    assert front == {one for one in points if not any(dominates(other, one) for other in points)}


def test_constraints_leave_cells_out_of_the_front(tmp_path):
    """Only feasible cells count."""
    chosen = choose_metrics(objective_of(tmp_path, new_table()), ["loss", "accuracy"], {"size": {"upper": 0.3}})
    sizes = {(loss, accuracy): size for loss, accuracy, size in _cells(new_table())}
    assert all(sizes[loss, accuracy] <= 0.3 for loss, accuracy in map(tuple, chosen.front().tolist()))


def _cells(new):
    return zip(*(new.values[name][..., -1].ravel().tolist() for name in ("loss", "accuracy", "size")), strict=True)


def test_only_the_first_metric_is_optimised_until_others_are_chosen(tmp_path):
    """A reference in the table makes a metric one that can be chosen, not one that every algorithm meets."""
    objective = objective_of(tmp_path, new_table())
    assert not objective.task.is_multi_objective
    assert not choose_metrics(objective, None, {"size": {"upper": 1}}).task.is_multi_objective
    chosen = choose_metrics(objective, ["loss", "accuracy"])
    assert [metric.name for metric in chosen.task.optimised] == ["loss", "accuracy"]


def test_typical_seconds_are_the_median_of_whole_trainings(tmp_path):
    """Those that diverged or did not end do not count; nominal seconds are one an epoch."""
    new = new_table()
    new.reached[0, 0], new.diverged[1, 1] = 2, True
    whole = [float(new.seconds[r, s].sum()) for r in range(24) for s in range(3) if (r, s) not in ((0, 0), (1, 1))]
    assert objective_of(tmp_path, new).typical_seconds == np.median(whole)
    assert objective_of(tmp_path, new_table(seconds=None)).typical_seconds == 4.0


def test_a_metric_that_is_an_error_without_a_unit_is_recorded_as_one(tmp_path):
    """Epochs of a classic error hold no metrics."""
    new = new_table(metrics=(Metric("error", best=0.0, chance=0.9),))
    epoch = trained(objective_of(tmp_path, new), 3, 0)[0]
    assert (epoch.metrics, epoch.valid_error) == (None, new.values["error"][3, 0, 0])
    assert LOSS.typical == 0.6
