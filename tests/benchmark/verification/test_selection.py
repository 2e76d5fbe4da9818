"""What a run has come to: its incumbent and its front, by definition, and what of a large front is trained again."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.cli.main import main
from benchmark.storage.ledger_format import evaluations_of, read_ledger
from benchmark.suite.model import Budget
from benchmark.verification.selection import MOST_MEMBERS, select_front, select_incumbent
from objectives.metric import Metric
from objectives.task import Constraint, Task

CLASSIC = Task((Metric("error"),))
ACCURACY, SIZE = Metric("accuracy", goal="max", reference=0.0), Metric("size", reference=9.0)
TASK = Task((ACCURACY, SIZE))
BOUNDED = Task((ACCURACY, SIZE), (Constraint("size", upper=3),))
FOREVER = Budget(evaluations=10**6)


def record(index, end, valid, start_epoch=0, epochs=2, **metrics):
    """An evaluation, as far as the choice of the incumbent reads it."""
    values = {"index": index, "trial": index, "end": end, "valid_error": valid}
    curves = {"valid_metrics": {name: [value] for name, value in metrics.items()}} if metrics else {}
    return {**values, "state": "ok", "start_epoch": start_epoch, "epochs": epochs, **curves}


def of_two(points, ends=None):
    """Evaluations that reach points of accuracy and size."""
    ends = range(len(points)) if ends is None else ends
    values = zip(points, ends, strict=True)
    return [record(i, float(end), -a, accuracy=a, size=size) for i, ((a, size), end) in enumerate(values)]


def test_the_incumbent_is_the_least_error_that_counts():
    """Crashed ones never, the earliest of ties, in the order of completion, within the budget."""
    records = [record(0, 5.0, 0.3), record(1, 3.0, 0.2), record(2, 3.0, 0.2), record(3, 9.0, 0.1), record(4, 1.0, None)]

    def chosen(**budget):
        found = select_incumbent(records, Budget(**budget), CLASSIC)
        return None if found is None else found["index"]

    assert chosen(trials=9) == 3
    assert chosen(runtime=8.9) == 1
    assert chosen(runtime=9.0) == 3
    assert chosen(epochs=10) == 3
    assert chosen(epochs=9) == 1
    assert chosen(runtime=2.0) is None


def test_the_incumbent_is_feasible():
    """The best of the feasible trials; there is none before the first."""
    records = of_two([(0.9, 4.0), (0.5, 3.0), (0.6, 1.0), (0.6, 0.5)])
    assert select_incumbent(records, FOREVER, BOUNDED)["index"] == 2
    assert select_incumbent(records[:1], FOREVER, BOUNDED) is None


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=14))
def test_the_front_is_what_no_feasible_one_dominates(points):
    """By the definition over all pairs; of equal points the earliest, the best in the first metric first."""
    records = of_two(points)
    feasible = [(a, size) for a, size in points if size <= 3]
    expected = {
        (a, size)
        for a, size in feasible
        if not any((b >= a and other <= size) and (b, other) != (a, size) for b, other in feasible)
    }
    front = select_front(records, FOREVER, BOUNDED)
    found = [points[one["index"]] for one in front]
    assert found == sorted(expected, reverse=True)
    assert [one["index"] for one in front] == [points.index(point) for point in found]


def test_only_what_the_budget_counts_is_on_a_front():
    """What ends after the budget of seconds is left out, and one metric has no front."""
    records = of_two([(0.5, 5.0), (0.9, 1.0)], ends=[3.0, 9.0])
    assert [one["index"] for one in select_front(records, Budget(runtime=5.0), TASK)] == [0]
    assert select_front([record(0, 1.0, 0.5)], FOREVER, CLASSIC) == []


@pytest.mark.parametrize("count", [1, MOST_MEMBERS, MOST_MEMBERS + 1, 37])
def test_of_a_large_front_members_are_taken_evenly(count):
    """Both ends are among them, and neighbours are at most one rank farther apart than others."""
    records = of_two([(index / count, float(index)) for index in range(count)])
    ranks = [one["index"] for one in reversed(select_front(records, FOREVER, TASK))]
    assert len(ranks) == min(count, MOST_MEMBERS)
    assert (ranks[0], ranks[-1]) == (0, count - 1)
    steps = [after - before for before, after in itertools.pairwise(ranks)]
    assert not steps or max(steps) - min(steps) <= 1


SUITE = """
repetitions = 2
budget.trials = 12
objectives.two.function = "tests.benchmark.fakes.functions:noisy_metrics"
objectives.two.space.x.uniform = [0, 1]
objectives.two.metrics = { loss = { reference = 2, best = -1 }, size = { reference = 11, best = -1 } }
objectives.two.constraints.size.upper = 8
algorithms.random.searcher = "random"
"""


@pytest.mark.slow
def test_fronts_are_trained_again_with_fresh_seeds(tmp_path):
    """A run has an entry for each member, the best in the first metric first, and fresh ledgers hold all metrics."""
    path = tmp_path / "suite.toml"
    path.write_text(SUITE)
    words = ["--results", str(tmp_path), "--jobs", "1", "--quiet"]
    assert main(["run", str(path), *words]) == 0
    assert main(["recheck", str(path), *words, "--fresh", "3"]) == 0

    told = json.loads((tmp_path / "suite/recheck/incumbents.json").read_text())
    task = Task((Metric("loss", reference=2.0), Metric("size", reference=11.0)), (Constraint("size", upper=8.0),))
    for repetition in range(2):
        ledger = tmp_path / f"suite/runs/two/random/{repetition:03d}.jsonl"
        front = select_front(evaluations_of(read_ledger(ledger).records), FOREVER, task)
        rows = [row for row in told["incumbents"] if row["repetition"] == repetition]
        assert [row["valid_error"] for row in rows] == [member["valid_error"] for member in front]
        for row, member in zip(rows, front, strict=True):
            assert told["lists"]["two"][row["list"]][row["place"]] == {"config": member["config"], "epochs": 1}
            for seed in range(3):
                again = tmp_path / f"suite/recheck/runs/two/list-{row['list']:03d}/{seed:03d}.jsonl"
                fresh = evaluations_of(read_ledger(again).records)[row["place"]]
                assert set(fresh["valid_metrics"]) == {"loss", "size"}
                assert fresh["valid_metrics"] != member["valid_metrics"]
