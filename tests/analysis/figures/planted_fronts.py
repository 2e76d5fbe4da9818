"""Plants suites of fronts: trade-offs of some size for any number of metrics and algorithms."""

from __future__ import annotations

import numpy as np

from tests.analysis.fronts.suites import declare, measured, study

LOSS = {"name": "loss", "goal": "min", "unit": "", "best": 0.0, "chance": None, "reference": 1.0}
GAIN = {"name": "gain", "goal": "max", "unit": "%", "best": 100.0, "chance": None, "reference": 0.0}
BYTES = {"name": "bytes", "goal": "min", "unit": "B", "best": 0.0, "chance": None, "reference": 1e7}
METRICS = (LOSS, GAIN, BYTES)
SIZES = {"loss": 1.0, "gain": 100.0, "bytes": 1.0}
SMALL = [{"metric": "bytes", "lower": None, "upper": 30.0}]


def plant(
    suite,
    metrics=METRICS[:2],
    *,
    names=("random", "local"),
    constraints=(),
    recorded=(),
    tested=True,
    sizes=SIZES,
    config=None,
):
    """Give algorithms four runs of six trials; metrics that are recorded only have no reference.

    Values are sixteenths of a metric's size, bytes are powers of ten; a trial that is better in one is worse in others.
    """
    declared = [*metrics, *({**metric, "reference": None, "best": None} for metric in recorded)]
    suite.plan["algorithms"] = []
    for name in names:
        suite.algorithm(name)
    declare(suite, declared, constraints, repetitions=4, control=names[0])
    for place, name in enumerate(names):
        for repetition in range(4):
            rng = np.random.default_rng([place, repetition])
            records = []
            for index in range(6):
                shares = rng.integers(1, 16, len(declared)) / 16
                if len(shares) > 1:  # More gain takes more loss.
                    shares[1] = max(shares[0] - rng.integers(0, 4) / 16, 1 / 32)
                valid, test = (
                    [
                        _value(metric["name"], share + moved, sizes)
                        for metric, share in zip(declared, shares, strict=True)
                    ]
                    for moved in (0.0, 1 / 32)
                )
                records.append(measured(
                    index, declared, valid, index + 1.0, test if tested else None, start=float(index),
                    config=config or {"learning_rate": 0.1 / (index + 1)},
                ))  # fmt: skip
            suite.run(records, repetition, algorithm=name)
    return study(suite)


def _value(name, share, sizes):
    size = sizes.get(name, 1.0)
    return 10.0 ** (6.0 * share) if name == "bytes" else size * share
