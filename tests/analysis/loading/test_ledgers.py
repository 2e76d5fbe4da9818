"""Finding ledgers: a run's state is told by its file's name, its evaluations come as columns, strangers are found."""

import math

import numpy as np
import pytest

from analysis.loading.ledgers import find, unplanned
from benchmark.errors import BadInput


@pytest.mark.parametrize("state", ["done", "partial", "failed"])
def test_the_name_of_the_file_tells_the_state(suite, state):
    """`.jsonl`, `.jsonl.part` and `.jsonl.failed` are a done, a partial and a failed run."""
    suite.run([(0.5, 0.5, 1.0)], state=state)
    ledger = find(suite.folder, "bowl", "random", 0)
    assert (ledger.state, len(ledger.evaluations["end"])) == (state, 1)
    assert find(suite.folder, "bowl", "random", 1).state == "missing"


def test_evaluations_come_in_the_order_of_completion(suite, planted_evaluation):
    """Several workers complete in another order than they start; ties go to the smaller index."""
    ends = [3.0, 1.0, 2.0, 1.0]
    suite.run([planted_evaluation(index, 0.5, 0.5, end) for index, end in enumerate(ends)])
    evaluations = find(suite.folder, "bowl", "random", 0).evaluations
    assert evaluations["index"].tolist() == [1, 3, 2, 0]


def test_a_ledger_in_the_place_of_another_run_is_refused(suite):
    """A ledger that was renamed to another repetition is refused by what its header says."""
    path = suite.run([(0.5, 0.5, 1.0)], 0)
    path.rename(path.with_name("001.jsonl"))
    with pytest.raises(BadInput, match="it belongs to repetition 0, not 1"):
        find(suite.folder, "bowl", "random", 1)


def test_an_empty_part_is_a_partial_run(suite):
    """A run that was killed before its first line was whole is partial, with no evaluation."""
    path = suite.run([], state="partial")
    for data in (b"", path.read_bytes()[:7]):
        path.write_bytes(data)
        assert find(suite.folder, "bowl", "random", 0).state == "partial"


def test_a_ledger_from_before_prices_paid_for_all_of_its_training(suite, planted_evaluation):
    """Without the later fields the price is unknown and the training paid; with them they arrive as written."""
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, train_seconds=0.75)], 0)
    shared = {"train_seconds": 0.75, "modelled_seconds": 2.0, "paid_seconds": 0.0}
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, **shared)], 1)
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, **shared | {"modelled_seconds": None})], 2)
    read_back = [find(suite.folder, "bowl", "random", repetition).evaluations for repetition in range(3)]
    prices = [[ledger[name][0] for name in ("modelled_seconds", "paid_seconds")] for ledger in read_back]
    np.testing.assert_array_equal(prices, [(math.nan, 0.75), (2.0, 0.0), (math.nan, 0.0)])


def test_unplanned_finds_ledgers_outside_the_plan_only(suite):
    """Ledgers of former algorithms and repetitions are found; locks and torn tails are no ledgers."""
    planned = suite.run([(0.5, 0.5, 1.0)], 0)
    for name in ("000.jsonl.lock", "000.jsonl.part.torn-1", ".lock"):
        planned.with_name(name).write_bytes(b"")
    former = suite.run([(0.5, 0.5, 1.0)], 7, state="failed")
    other = suite.run([(0.5, 0.5, 1.0)], 0, algorithm="old")
    assert unplanned(suite.folder, {("bowl", "random", "000")}) == [other, former]
