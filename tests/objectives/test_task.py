"""Tasks: which metrics are optimised, in which direction, and what makes a trial feasible."""

import math
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.metric import Metric
from objectives.task import Constraint, Task, dominates, non_dominated

ERROR, SIZE = Metric("error", best=0.0, chance=0.9), Metric("size", best=0.0, reference=100.0)
ACCURACY, SPEED = Metric("accuracy", goal="max", best=1.0, reference=0.5), Metric("speed", goal="max", unit="1/s")
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def test_the_first_metric_and_those_with_a_reference_are_optimised():
    """What has none is recorded; the first one's reference is its chance value where several are optimised."""
    task = Task((ERROR, SPEED, SIZE))
    assert [metric.name for metric in task.optimised] == ["error", "size"]
    assert task.is_multi_objective
    assert (task.references, task.ideals) == ((0.9, 100.0), (0.0, 0.0))

    alone = Task((ERROR, SPEED))
    assert (alone.optimised, alone.is_multi_objective, alone.references) == ((ERROR,), False, (None,))


def test_minimised_form_negates_what_is_better_the_greater_it_is():
    """Errors, references and ideals are all to be minimised."""
    task = Task((ACCURACY, SIZE))
    assert task.errors({"accuracy": 0.75, "size": 20.0}) == (-0.75, 20.0)
    assert (task.references, task.ideals) == ((-0.5, 100.0), (-1.0, 0.0))


@pytest.mark.parametrize("size", [None, math.nan, math.inf])
def test_a_vector_with_a_hole_is_none(size):
    """A trial of which one optimised metric is not known is on no front."""
    assert Task((ERROR, SIZE)).errors({"error": 0.1, "size": size}) is None
    assert Task((ERROR, SIZE)).errors({"error": 0.1}) is None


CASES = {
    "on the upper bound": ({"upper": 5}, 5.0, 0.0),
    "above": ({"upper": 5}, 7.5, 2.5),
    "on the lower bound": ({"lower": 0.9}, 0.9, 0.0),
    "below": ({"lower": 2}, -1.0, 3.0),
    "between": ({"lower": 1, "upper": 2}, 1.5, 0.0),
    "beyond the upper of two": ({"lower": 1, "upper": 2}, 2.25, 0.25),
    "equal bounds": ({"lower": 1, "upper": 1}, 1.0, 0.0),
    "not measured": ({"upper": 5}, None, math.inf),
    "not a number": ({"lower": 5}, math.nan, math.inf),
}


@pytest.mark.parametrize("case", CASES)
def test_a_violation_is_the_amount_beyond_the_bound(case):
    """A value on a bound is feasible; one that is not known is not."""
    bounds, value, violation = CASES[case]
    task = Task((ERROR, SIZE), (Constraint("size", **bounds),))
    assert task.violations({"error": 0.1, "size": value}) == (violation,)
    assert task.is_feasible({"error": 0.1, "size": value}) == (violation == 0.0)


REFUSED = {
    "no bound": (lambda: Constraint("size"), "size: it has no bound; need lower, upper or both"),
    "crossed": (lambda: Constraint("size", lower=2, upper=1), "size.lower = 2: need a number not above upper = 1"),
    "nan": (lambda: Constraint("size", upper=math.nan), "size.upper = nan: need a finite number"),
    "text": (lambda: Constraint("size", lower="low"), "size.lower = 'low': need a finite number"),
    "true": (lambda: Constraint("size", lower=True), "size.lower = True: need a finite number"),
    "unknown": (
        lambda: Task((ERROR,), (Constraint("size", upper=1),)),
        "constraints: 'size' is no metric, there are error",
    ),
    "twice": (lambda: Task((ERROR, SIZE), (Constraint("size", upper=1),) * 2), "'size' is there twice"),
    "no reference": (
        lambda: Task((Metric("loss"), SIZE)),
        "metrics.loss.reference: missing; size is optimised besides it",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused(case):
    """The message names the metric and what is needed."""
    build, message = REFUSED[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        build()


def test_a_task_travels_between_processes():
    """Algorithms in other processes are given it too."""
    task = Task((ACCURACY, SIZE), (Constraint("size", upper=50),))
    assert pickle.loads(pickle.dumps(task)) == task


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_the_front_is_what_no_other_dominates(vectors):
    """By the definition, over all pairs; of equal vectors all stay."""
    expected = [not any(all(a <= b for a, b in zip(u, v, strict=True)) and u != v for u in vectors) for v in vectors]
    assert non_dominated(vectors) == expected


@given(st.tuples(NUMBERS, NUMBERS), st.tuples(NUMBERS, NUMBERS))
def test_dominance_goes_one_way(one, other):
    """Two vectors never dominate each other, and none dominates itself."""
    assert not (dominates(one, other) and dominates(other, one))
    assert not dominates(one, one)
