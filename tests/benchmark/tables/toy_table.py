"""A table of invented trainings with ties and heavy tails, in a file."""

import numpy as np

from benchmark.tables.new_table import NewTable
from benchmark.tables.table_file import write_table
from objectives.metric import Metric
from objectives.space import Categorical, Ordinal, Space


def write_toy_table(path, shape=(7, 5, 3), seed=1, goal="min"):
    """Write a grid of levels x choices configurations under some seeds, one epoch each; returns the table."""
    levels, choices, seeds = shape
    rng = np.random.default_rng(seed)
    values = np.round(rng.lognormal(0.0, 2.0, (levels * choices, 1)) * rng.lognormal(0.0, 0.3, (1, seeds)), 1)
    values = values[..., None] + np.round(rng.random((levels * choices, seeds, 1)), 1)
    values = values if goal == "min" else -values
    new = NewTable(
        space=Space({"a": Ordinal(range(levels)), "b": Categorical([f"c{place}" for place in range(choices)])}),
        configs=None,
        metrics=(Metric("loss", goal=goal, best=0.0),),
        values={"loss": values},
        test_values={},
        seconds=None,
        reached=np.ones(values.shape[:2], np.int64),
        diverged=np.zeros(values.shape[:2], np.bool_),
        seeds=tuple(map(str, range(seeds))),
        source="invented",
        version="1",
        license="MIT",
        source_digest="0" * 64,
    )
    return write_table(path, new)
