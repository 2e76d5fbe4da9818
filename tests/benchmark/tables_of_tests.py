"""Small tables for tests: a grid and a pool, filled by formulas."""

from __future__ import annotations

import numpy as np
from scipy import stats

from benchmark.tables.new_table import NewTable
from objectives.metric import Metric
from objectives.space import Categorical, Condition, Ordinal, Space

GRID = Space({"rate": Ordinal([0.001, 0.01, 0.1]), "kind": Categorical(["a", "b"]), "width": Ordinal([1, 2, 3, 8])})
POOL = Space(
    {"rate": stats.loguniform(1e-4, 1.0), "kind": Categorical(["a", "b"]), "momentum": stats.uniform(0.0, 0.9)},
    {"momentum": Condition(parent="kind", values=("b",))},
)
LOSS = Metric("loss", best=0.0, chance=2.0, typical=0.6)
METRICS = (LOSS, Metric("accuracy", goal="max", unit="%", best=100.0, chance=10.0, reference=0.0), Metric("size"))


def new_table(space=GRID, configs=None, seeds=3, epochs=4, metrics=METRICS, **changes):
    """A table whose every value is another number, so that a wrong cell shows."""
    shape = (24 if configs is None else len(configs), seeds, epochs)
    cells = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    values = {metric.name: (cells * (7 + i) % 97 + 1) / 97 for i, metric in enumerate(metrics)}
    given = {
        "space": space,
        "configs": configs,
        "metrics": metrics,
        "values": values,
        "test_values": {},
        "seconds": 1.0 + cells % 5,
        "reached": np.full(shape[:2], epochs),
        "diverged": np.zeros(shape[:2], np.bool_),
        "seeds": tuple(f"s{number}" for number in range(seeds)),
        "source": "formulas",
        "version": "1",
        "license": "MIT",
        "source_digest": "ab" * 32,
    }
    return NewTable(**{**given, **changes})


def pool(count=30, **changes):
    """A table of configurations drawn from a continuous space with a condition."""
    rng = np.random.default_rng(5)
    return new_table(POOL, [POOL.sample(rng) for _ in range(count)], **changes)
