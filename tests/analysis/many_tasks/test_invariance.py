"""What no table over many tasks depends on: the order of rows, other methods, and the units of errors and times."""

import numpy as np
import pandas as pd
import pytest

from analysis.many_tasks.advice import advice
from analysis.many_tasks.friedman import critical_difference
from analysis.many_tasks.held_out import advice_held_out, advice_summary
from analysis.many_tasks.mean_ranks import mean_ranks, rank_over_budget
from analysis.many_tasks.profiles import data_profiles, performance_profiles
from analysis.many_tasks.ratings import ratings
from analysis.many_tasks.task_map import task_map
from analysis.many_tasks.tasks import read_tasks
from analysis.many_tasks.win_rates import win_rates
from tests.analysis.many_tasks.fields import features, planted


def tables(frame, ends):
    """Every table by its name."""
    tasks, known = read_tasks(frame, ends), features(ends["objective"])
    held_out = advice_held_out(tasks, known)
    return pairs(tasks) | {
        "mean_ranks": mean_ranks(tasks),
        "critical_difference": critical_difference(tasks),
        "ratings": ratings(tasks),
        "performance_profiles": performance_profiles(tasks),
        "rank_over_budget": rank_over_budget(tasks),
        "advice": advice(tasks, known),
        "advice_held_out": held_out,
        "advice_summary": advice_summary(tasks, held_out),
    }


def pairs(tasks):
    """The tables in which a method does not depend on the others, but for Holm's p and the verdict."""
    return {"task_map": task_map(tasks, "m0"), "win_rates": win_rates(tasks), "data_profiles": data_profiles(tasks)}


@pytest.fixture(scope="module")
def field():
    """A planted field with failures and ties."""
    return planted(tasks=7, seed=5)


@pytest.fixture(scope="module")
def before(field):
    """Its tables."""
    return tables(*field)


def test_another_method_changes_no_regret_and_no_pair(field):
    """Only Holm's p, the verdict, and what is of the whole field by name: ranks, ratings, performance profiles."""
    frame, ends = field
    wins = {"algorithm": "a_new_one", "runtime": 0.5, "valid_error": 0.0, "test_error": 0.0}
    added = frame.drop_duplicates(["objective", "repetition"]).assign(**wins)
    after = pairs(read_tasks(pd.concat([frame, added]), ends))
    for name, table in pairs(read_tasks(frame, ends)).items():
        of_field = ["p_holm", "verdict"] if name == "task_map" else []
        others = after[name][~after[name].isin(["a_new_one"]).any(axis=1)]
        assert len(others) < len(after[name])
        assert others.drop(columns=of_field).to_csv(index=False) == table.drop(columns=of_field).to_csv(index=False)


@pytest.mark.slow
def test_the_order_of_rows(field, before):
    """Shuffled improvements, ends in the same order: the same bytes."""
    frame, ends = field
    after = tables(frame.sample(frac=1, random_state=1), ends)
    for name, table in before.items():
        assert table.to_csv() == after[name].to_csv(), name


@pytest.mark.slow
def test_units_of_errors_and_times(field, before):
    """Errors times 4 plus 8 and times times 2, with their ends: the same regrets, ranks and profiles."""
    frame, ends = field
    errors = {name: 8 + 4 * frame[name] for name in ("valid_error", "test_error")}
    turned = frame.assign(runtime=2 * frame["runtime"], **errors)
    scaled = ends.assign(best=8 + 4 * ends["best"], typical=8 + 4 * ends["typical"], horizon=2 * ends["horizon"])
    after = tables(turned, scaled.assign(typical_seconds=2 * ends["typical_seconds"]))
    for name, table in before.items():
        pd.testing.assert_frame_equal(after[name], table, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_task_more_changes_no_other_tasks_row(field, before):
    """The map of the others stays as it is."""
    frame, ends = field
    more = frame[frame["objective"] == "task0"].assign(objective="zz")
    longer = pd.concat([ends, ends.iloc[:1].assign(objective="zz")], ignore_index=True)
    after = task_map(read_tasks(pd.concat([frame, more]), longer), "m0")
    assert after[after["objective"] != "zz"].to_csv() == before["task_map"].to_csv()
    assert np.array_equal(after.iloc[:5, 3:10], after.iloc[-5:, 3:10], equal_nan=True)
