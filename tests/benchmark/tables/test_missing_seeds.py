"""Configurations that a table holds under fewer seeds than others, as those of NAS-Bench-201."""

import numpy as np

from benchmark.tables.new_table import NewTable
from benchmark.tables.table_file import write_table
from benchmark.tables.table_objective import TableObjective
from objectives.metric import Metric
from objectives.space import Ordinal, Space


def objective(tmp_path, values, test=None):
    """The objective of a table of one axis, NaN where a configuration was not trained under a seed."""
    array = np.array(values)[..., None]
    count, seeds = array.shape[:2]
    table = NewTable(
        space=Space({"a": Ordinal(range(count))}),
        configs=None,
        metrics=(Metric("loss", best=0.0),),
        values={"loss": array},
        test_values={},
        seconds=array * 10,
        reached=np.isfinite(array[..., 0]).astype(int),
        diverged=np.zeros((count, seeds), bool),
        seeds=tuple(map(str, range(seeds))),
        source="toy",
        version="1",
        license="MIT",
        source_digest="0" * 64,
    )
    return TableObjective(write_table(tmp_path / "a.npz", table), "toy", test)


def answers(objective, config, repetitions):
    """Validation, test and seconds of a configuration in the first repetitions."""
    for repetition in range(repetitions):
        epoch = next(objective.epochs(config, repetition))
        yield epoch.metrics["loss"], epoch.test_metrics.get("loss"), epoch.reported_seconds


def test_another_of_its_seeds_answers_for_one_that_is_not_there(tmp_path):
    """A configuration with two of three seeds answers with them in turn, with their seconds, and the other as test."""
    table = objective(tmp_path, [[1.0, 2.0, 6.0], [3.0, np.nan, 5.0], [np.nan, np.nan, 7.0]])
    assert list(answers(table, {"a": 0}, 3)) == [(1.0, 4.0, 10.0), (2.0, 3.5, 20.0), (6.0, 1.5, 60.0)]
    assert list(answers(table, {"a": 1}, 4)) == [(3.0, 5.0, 30.0), (5.0, 3.0, 50.0), (5.0, 3.0, 50.0), (3.0, 5.0, 30.0)]
    assert list(answers(table, {"a": 2}, 3)) == [(7.0, None, 70.0)] * 3


def test_a_table_that_has_every_seed_is_left_as_it_is(tmp_path):
    """Where nothing is missing each seed answers for itself."""
    table = objective(tmp_path, [[1.0, 2.0], [3.0, 4.0]], "none")
    assert [value for value, _, _ in answers(table, {"a": 1}, 3)] == [3.0, 4.0, 3.0]
