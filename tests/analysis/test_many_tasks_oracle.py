"""The tables over many tasks against their definitions, computed once more from the ledgers alone."""

import pytest

from analysis.loading.results import load
from analysis.study import Study
from tests.analysis.oracle import many_tasks
from tests.analysis.oracle.comparison import assert_same_rows
from tests.analysis.oracle.generated import Kind, write
from tests.analysis.oracle.reading import read

RESAMPLED = ("low", "high")
"""Limits that are not made again here, but for those of medians."""

KINDS = {
    "failures": Kind(objectives=4, algorithms=3, states=("done", "done", "failed", "partial", None), crashed=0.2),
    "validation": Kind(objectives=5, endpoint="valid_error", repetitions=2, evaluations=9, budget={"trials": 9}),
    "intervals": Kind(objectives=4, repetitions=7, states=("done",) * 9 + ("failed",), evaluations=3),
}


@pytest.mark.parametrize("name", ["failures", *(pytest.param(one, marks=pytest.mark.slow) for one in [*KINDS][1:])])
def test_tables_of_many_tasks_are_those_of_their_definitions(suite, planted_evaluation, name):
    """With failures at any time, runs that are missing, ties, and more repetitions than an interval needs."""
    write(suite, planted_evaluation, KINDS[name], seed=3)
    tables, wanted = Study(load(suite.folder), suite.folder).tables, read(suite.folder)
    assert_same_rows(tables["task_map"], many_tasks.task_map(wanted), told="task_map")
    assert_same_rows(tables["data_profiles"], many_tasks.data_profiles(wanted), told="data_profiles")
    for table in ("win_rates", "rank_over_budget"):
        frame = tables[table].drop(columns=list(RESAMPLED))
        assert_same_rows(frame, getattr(many_tasks, table)(wanted), told=table)
    last = tables["rank_over_budget"][tables["rank_over_budget"]["fraction"] == 1.0]
    assert tables["mean_ranks"]["mean_rank"].tolist() == last["mean_rank"].tolist()
