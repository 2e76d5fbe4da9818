"""Plants fields of methods on many tasks: frames of improvements, ends and features."""

import numpy as np
import pandas as pd

HORIZON = 50.0


def improvements(rows):
    """A frame of improvements from tuples (objective, algorithm, repetition, runtime, valid_error[, test_error])."""
    columns = ["objective", "algorithm", "repetition", "runtime", "valid_error", "test_error"]
    return pd.DataFrame([(*row, np.nan) if len(row) == 5 else row for row in rows], columns=columns)


def ends(labels, *, best=0.0, typical=1.0, horizon=HORIZON, **columns):
    """A frame of ends, the same for all tasks."""
    return pd.DataFrame({"objective": labels, "best": best, "typical": typical, "horizon": horizon, **columns})


def finals(errors, **of_ends):
    """Improvements and ends of a field with one result a run, at time 1: errors (tasks, algorithms, repetitions)."""
    names = [f"task{place:02d}" for place in range(len(errors))]
    rows = [
        (name, f"m{place}", repetition, 1.0, float(error))
        for name, of_task in zip(names, errors, strict=True)
        for place, of_method in enumerate(of_task)
        for repetition, error in enumerate(of_method)
    ]
    return improvements(rows), ends(names, **of_ends)


def planted(tasks=6, algorithms=5, repetitions=6, seed=0):
    """A field whose runs improve a few times, with ties, failures and a run that has no result."""
    rng, rows = np.random.default_rng(seed), []
    for task in range(tasks):
        for method in range(algorithms):
            for repetition in range(repetitions):
                count = int(rng.integers(0, 6))
                times = np.sort(rng.integers(0, 55, count)).astype(float)
                errors = np.minimum.accumulate(rng.integers(0, 9, count) / 8 + 0.01 * method)
                tests = rng.integers(0, 9, count) / 8
                label = f"task{task}"
                rows += [(label, f"m{method}", repetition, *row) for row in zip(times, errors, tests, strict=True)]
                if count and rng.random() < 0.1:
                    rows.append((label, f"m{method}", repetition, times[-1] + 1.0, np.inf, np.nan))
    names = [f"task{task}" for task in range(tasks)]
    return improvements(rows), ends(names, typical_seconds=2.0)


def features(labels):
    """A frame of features in which dimension and fidelity vary."""
    count = len(labels)
    dimension, fidelity = [2 + 3 * (place % 3) for place in range(count)], [place % 2 == 0 for place in range(count)]
    return pd.DataFrame({"objective": labels, "dimension": dimension, "fidelity": fidelity, "n_workers": 1})
