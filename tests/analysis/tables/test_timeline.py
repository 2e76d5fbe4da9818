"""The timeline: every evaluation has a worker, and no worker two at a time."""

import numpy as np
import pytest

from analysis.loading.results import load
from analysis.tables.timeline import TIMELINE, timeline_table


def busy(record, spans):
    """Evaluation records with the given starts and ends."""
    return [record(index, 0.5, 0.5, end, start=start) for index, (start, end) in enumerate(spans)]


def test_free_workers_take_what_comes(suite, planted_evaluation):
    """The free worker of the least number takes the next evaluation; one that ends is free at once."""
    suite.set(n_workers=2)
    spans = [(0.0, 3.0), (0.0, 1.0), (1.0, 2.0), (2.0, 4.0), (3.0, 5.0)]
    suite.run(busy(planted_evaluation, spans))
    table = timeline_table(load(suite.folder))
    assert tuple(table.columns) == TIMELINE
    assert table["index"].tolist() == [0, 1, 2, 3, 4]
    assert table["worker"].tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_no_overlap_and_no_more_workers_than_there_were(suite, planted_evaluation, workers):
    """Of a simulated run each worker's evaluations follow each other, and there are as many workers as it had."""
    draws = np.random.default_rng(workers)
    free, spans = [0.0] * workers, []
    for length in draws.exponential(size=60).round(2):
        start = min(free)
        free[free.index(start)] = start + length
        spans.append((start, start + length))
    suite.set(n_workers=workers)
    suite.run(busy(planted_evaluation, spans))
    table = timeline_table(load(suite.folder))
    assert table["worker"].max() == workers - 1
    for _, mine in table.groupby("worker"):
        assert (mine["start"].to_numpy()[1:] >= mine["end"].to_numpy()[:-1]).all()


def test_more_at_once_than_planned_is_shown(suite, planted_evaluation):
    """Nothing vanishes: what overlaps gets a worker beyond the plan's."""
    suite.run(busy(planted_evaluation, [(0.0, 2.0), (1.0, 3.0)]))
    assert timeline_table(load(suite.folder))["worker"].tolist() == [0, 1]


def test_one_repetition_of_every_cell(suite):
    """Other repetitions are left out, and missing runs have no row."""
    suite.algorithm("local")
    suite.run([(0.5, 0.5, 1.0)], 0)
    suite.run([(0.5, 0.5, 1.0), (0.4, 0.4, 2.0)], 1)
    results = load(suite.folder)
    assert len(timeline_table(results)) == 1
    assert timeline_table(results, 1)["repetition"].tolist() == [1, 1]
