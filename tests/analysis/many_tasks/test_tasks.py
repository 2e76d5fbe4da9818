"""Runs of a field as step functions, and the ends of their tasks."""

import math

import numpy as np
import pytest

from analysis.many_tasks.tasks import read_tasks
from tests.analysis.many_tasks.fields import HORIZON, ends, finals, improvements, planted


def brute(frame, end, algorithm, repetition, time):
    """The endpoint of a run at a time by its definition: inf without a result, NaN where it is not finished."""
    run = (end["objective"], algorithm, repetition)
    rows = [row for row in frame if (row.objective, row.algorithm, row.repetition) == run]
    if any(math.isnan(row.valid_error) for row in rows):
        return math.nan
    if any(row.runtime < time or time >= HORIZON for row in rows if math.isinf(row.valid_error)):
        return math.inf
    there = [row for row in rows if row.runtime <= time and math.isfinite(row.valid_error)]
    if not there:
        return math.inf
    least = min(row.valid_error for row in there)
    first = min((row for row in there if row.valid_error == least), key=lambda row: (row.runtime, row.test_error))
    return math.inf if math.isnan(first.test_error) else first.test_error


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_errors_at_any_time_by_brute_force(seed):
    """Between, before and on the events of every run, with failures and runs without a result."""
    frame, of_tasks = planted(tasks=2, algorithms=3, repetitions=4, seed=seed)
    rows = [*frame.itertuples()]
    for task, end in zip(read_tasks(frame, of_tasks), of_tasks.to_dict("records"), strict=True):
        for time in (0.0, 0.5, 10.0, 31.0, 50.0, 60.0):
            wanted = [[brute(rows, end, name, rep, time) for rep in task.repetitions] for name in task.algorithms]
            assert np.array_equal(task.errors_at(time), wanted, equal_nan=True)


def test_the_order_of_rows_makes_no_difference():
    """Shuffled rows, and rows that improve on nothing, give the same tasks."""
    frame, of_tasks = planted()
    worse = frame[np.isfinite(frame["valid_error"])].assign(
        runtime=frame["runtime"] + 1, valid_error=frame["valid_error"] + 1
    )
    shuffled = improvements([*frame.itertuples(index=False), *worse.itertuples(index=False)]).sample(
        frac=1, random_state=3
    )
    for one, other in zip(read_tasks(frame, of_tasks), read_tasks(shuffled, of_tasks), strict=True):
        for name in ("runs", "times", "errors", "ended", "finished"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_regrets_have_fixed_ends():
    """0 at the best, 1 at the typical error, less than 0 below the best, inf without a result."""
    frame, of_tasks = finals([[[0.2, 0.5, 0.1, np.inf]]], best=0.2, typical=0.5)
    [task] = read_tasks(frame, of_tasks)
    assert task.endpoint == "valid_error"
    assert task.regrets(task.finals)[0] == pytest.approx([0, 1, -1 / 3, math.inf])


def test_without_ends_there_is_no_regret():
    """Nor where the typical error is not above the best one."""
    for typical in (np.nan, 0.0, -1.0):
        frame, of_tasks = finals([[[0.2]]], typical=typical)
        [task] = read_tasks(frame, of_tasks)
        assert np.isnan(task.regrets(task.finals)).all()
        with pytest.raises(ValueError, match="task00 has no ends"):
            task.reached(0.1)


@pytest.mark.parametrize("horizon", [1, 90, 2**40])
def test_shares_of_a_budget_of_trials_are_whole_numbers(horizon):
    """What is completed at exactly that share counts: 0.7 * 90 is less than 63 in floating point."""
    rows = [("a", "m", step, step * horizon / 20, 0.5) for step in range(1, 21)]
    [task] = read_tasks(improvements(rows), ends(["a"], horizon=float(horizon)))
    for step in range(21):
        assert np.isfinite(task.errors_after(step / 20)).sum() == step


def test_a_target_is_reached_once():
    """By the first incumbent that is as good, in time and before the run failed; later losses do not undo it."""
    rows = [("a", "m", 0, 3.0, 0.5, 0.1), ("a", "m", 0, 4.0, 0.4, 0.9), ("a", "m", 1, 51.0, 0.1, 0.1)]
    rows += [("a", "m", 2, 2.0, 0.9, 0.9), ("a", "m", 2, 2.5, np.inf, np.nan), ("a", "m", 3, 2.0, np.nan, np.nan)]
    [task] = read_tasks(improvements(rows), ends(["a"]))
    assert np.array_equal(task.reached(0.1), [[3.0, np.inf, np.inf, np.nan]], equal_nan=True)


def test_objectives_in_the_order_of_the_ends():
    """Those without a row are no tasks; algorithms are sorted, or in the order of their categories."""
    frame = improvements([("b", "z", 0, 1.0, 0.1), ("a", "y", 0, 1.0, 0.1)])
    assert [task.label for task in read_tasks(frame, ends(["b", "c", "a"]))] == ["b", "a"]
    assert read_tasks(frame, ends(["a", "b"]))[0].algorithms == ("y", "z")
    ordered = frame.astype({"algorithm": "category"})
    ordered["algorithm"] = ordered["algorithm"].cat.set_categories(["unused", "z", "y"])
    assert read_tasks(ordered, ends(["a", "b"]))[0].algorithms == ("z", "y")


def test_a_listed_algorithm_without_any_row_has_no_result():
    """It is in the field and ranks last; without a list it is not known of."""
    frame = improvements([("a", "m", 0, 1.0, 0.1)])
    [task] = read_tasks(frame, ends(["a"]), ["never", "m"])
    assert task.algorithms == ("never", "m")
    assert task.finals.tolist() == [[np.inf], [0.1]]
    with pytest.raises(ValueError, match="algorithm 'm' is not among never"):
        read_tasks(frame, ends(["a"]), ["never"])


def test_frames_that_make_no_sense_are_refused():
    """A column that is missing, an objective without ends or twice there, and an unknown endpoint."""
    frame = improvements([("a", "m", 0, 1.0, 0.1)])
    with pytest.raises(ValueError, match="improvements: no column runtime"):
        read_tasks(frame.drop(columns="runtime"), ends(["a"]))
    with pytest.raises(ValueError, match="objective 'a' is not among the ends"):
        read_tasks(frame, ends(["b"]))
    with pytest.raises(ValueError, match="'a' is there twice"):
        read_tasks(frame, ends(["a", "a"]))
    with pytest.raises(ValueError, match="horizon of 'a': need a finite number"):
        read_tasks(frame, ends(["a"], horizon=np.inf))
    with pytest.raises(ValueError, match="endpoint = 'score' of a: need one of test_error, valid_error"):
        read_tasks(frame, ends(["a"], endpoint="score"))
