"""The advice, and how it does on tasks that were left out."""

import numpy as np
import pandas as pd
import pytest

from analysis.many_tasks.advice import ADVICE, BUDGETS, Group, advice, groups, merged
from analysis.many_tasks.held_out import ADVICE_HELD_OUT, ADVICE_SUMMARY, advice_held_out, advice_summary
from analysis.many_tasks.tasks import read_tasks
from tests.analysis.many_tasks.fields import features, finals, planted

SMALL, LARGE = 6, 7
"""Tasks with few and with many hyperparameters."""


@pytest.fixture(scope="module")
def field():
    """Method m0 is best on tasks with few hyperparameters, m1 on the others, m2 second everywhere, m3 third."""
    rng = np.random.default_rng(1)
    levels = [[0.1, 0.9, 0.3, 0.6]] * SMALL + [[0.9, 0.2, 0.3, 0.6]] * LARGE
    errors = np.array(levels)[:, :, np.newaxis] + rng.uniform(0, 0.05, size=(SMALL + LARGE, 4, 4))
    known = pd.DataFrame({"dimension": [2] * SMALL + [9] * LARGE, "fidelity": False, "n_workers": 1})
    frame, ends = finals(errors)
    known.insert(0, "objective", ends["objective"])
    return read_tasks(frame, ends), known


def test_the_best_method_of_each_group(field):
    """A group with too few tasks is advised what all tasks are; who is not worse is named."""
    table = advice(*field)
    assert tuple(table.columns) == ADVICE
    last = table[(table["fraction"] == 1.0) & ~table["fidelity"]].set_index("dimension")
    assert last["algorithm"].to_dict() == {"<= 4": "m0", "5 to 7": "m2", "> 7": "m1"}
    assert last["tasks"].to_dict() == {
        "<= 4": "dimension <= 4, without curves",
        "5 to 7": "without curves",
        "> 7": "dimension > 7, without curves",
    }
    assert last["n_tasks"].tolist() == [SMALL, SMALL + LARGE, LARGE]
    assert last["mean_rank"].tolist() == [1, 2, 1]
    assert last["not_worse"].tolist() == ["", "m0; m1", ""]
    with_curves = table[(table["fraction"] == 1.0) & table["fidelity"]]
    assert set(with_curves["tasks"]) == {"all tasks"}
    assert sorted(set(table["fraction"])) == list(BUDGETS)


def test_groups_are_merged_upward():
    """Any dimension first, then with and without curves, then any number of workers."""
    narrow = Group(n_workers=1, fidelity=True, dimension="<= 4")
    other, plain = (Group(n_workers=1, fidelity=True, dimension="> 7"), Group(n_workers=1, fidelity=False))
    parallel = Group(n_workers=4, fidelity=True, dimension="<= 4")
    known = {"a": narrow, "b": narrow, "c": other, "d": plain, "e": plain, "f": parallel}
    assert merged(narrow, known, 2) == (narrow, ["a", "b"])
    assert merged(narrow, known, 3) == (Group(n_workers=1, fidelity=True), ["a", "b", "c"])
    assert merged(narrow, known, 4) == (Group(n_workers=1), ["a", "b", "c", "d", "e"])
    assert merged(narrow, known, 7) == (Group(), [*"abcdef"])
    assert str(parallel) == "dimension <= 4, with curves, 4 workers"


def test_dimensions_fall_into_three_groups():
    """Up to 4, 5 to 7, and more."""
    known = features([*"abcd"]).assign(dimension=[4, 5, 7, 8])
    assert [group.dimension for group in groups(known).values()] == ["<= 4", "5 to 7", "5 to 7", "> 7"]


def test_held_out_tasks(field):
    """Advice by group is that of the oracle here, one method for all is not."""
    tasks, known = field
    table = advice_held_out(tasks, known)
    assert tuple(table.columns) == ADVICE_HELD_OUT
    last = table[table["fraction"] == 1.0]
    assert last["advised"].tolist() == ["m0"] * SMALL + ["m1"] * LARGE
    assert last["oracle"].tolist() == last["advised"].tolist()
    assert set(last["always"]) == {"m2"}
    assert last["n_tasks"].tolist() == [SMALL - 1] * SMALL + [LARGE - 1] * LARGE
    for task, row in zip(tasks, last.to_dict("records"), strict=True):
        place = task.algorithms.index(row["always"])
        assert row["always_regret"] == pytest.approx(np.median(task.finals[place]))
        assert row["advised_rank"] == 1


def test_a_task_has_no_say_in_its_own_advice(field):
    """Whatever its errors are, what is advised for it stays the same; the oracle alone looks at them."""
    tasks, known = field
    frame, ends = finals(
        np.concatenate([[task.finals for task in tasks][1:], [[[9.0] * 4, [0.1] * 4, [8.0] * 4, [9.5] * 4]]])
    )
    moved = known.assign(objective=ends["objective"], dimension=[*known["dimension"][1:], 2])
    changed = advice_held_out(read_tasks(frame, ends), moved)
    row = changed[(changed["objective"] == "task12") & (changed["fraction"] == 1.0)].iloc[0]
    assert (row["advised"], row["oracle"]) == ("m0", "m1")
    assert row["advised_regret"] == 9.0


def test_summary_over_tasks(field):
    """Means of the regrets, their paired difference with an interval, and the best single method in hindsight."""
    tasks, known = field
    held_out = advice_held_out(tasks, known)
    table = advice_summary(tasks, held_out)
    assert tuple(table.columns) == ADVICE_SUMMARY
    row, last = table[table["fraction"] == 1.0].iloc[0], held_out[held_out["fraction"] == 1.0]
    for name in ("advised", "always", "oracle"):
        assert row[f"{name}_regret"] == pytest.approx(last[f"{name}_regret"].mean())
    assert row["difference"] == pytest.approx((last["advised_regret"] - last["always_regret"]).mean())
    assert row["low"] < row["difference"] < row["high"] < 0
    assert (row["best_single"], row["n_tasks"]) == ("m2", 13)
    assert row["n_better"] == (last["advised_regret"] < last["always_regret"]).sum()
    medians = [np.median(task.finals[2]) for task in tasks]
    assert row["best_single_regret"] == pytest.approx(np.mean(medians))


def test_without_ends_there_are_ranks_only():
    """Held-out regrets are empty, and no summary is made of them."""
    frame, ends = planted()
    tasks, known = read_tasks(frame, ends.assign(best=np.nan)), features(ends["objective"])
    held_out = advice_held_out(tasks, known)
    assert held_out["advised_regret"].isna().all()
    assert held_out["advised_rank"].notna().all()
    assert advice_summary(tasks, held_out).empty


def test_features_that_are_missing_are_refused():
    """A column, or a task's row."""
    frame, ends = planted()
    tasks, known = read_tasks(frame, ends), features(ends["objective"])
    with pytest.raises(ValueError, match="features: no column fidelity"):
        advice(tasks, known.drop(columns="fidelity"))
    with pytest.raises(ValueError, match="features: no row for task0"):
        advice(tasks, known.iloc[1:])
