"""What evaluations came to: counts by kind of failure, cells without a result, runs that ended early."""

import pytest

from benchmark.driver.ledger_follower import LedgerFollower
from benchmark.result_folder.outcomes import Outcomes
from benchmark.storage.ledger import Ledger
from benchmark.storage.problem_text import exception_line
from benchmark.suite.parsing import parse

SUITE = {
    "seed": 1,
    "repetitions": 3,
    "budget": {"trials": 4},
    "objectives": {"branin": {}},
    "algorithms": {"random": {"searcher": "random"}, "grid": {"searcher": "grid"}},
}
RAISED = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    raise E\n'


@pytest.fixture(scope="module")
def runs():
    """Three runs of each of two algorithms."""
    suite = parse("toy", SUITE)
    return {label: [run for run in suite.runs() if run.algorithm.label == label] for label in ("random", "grid")}


def evaluation(index, state, problem=None):
    record = {"kind": "evaluation", "index": index, "trial": index, "state": state}
    return record if problem is None else {**record, "problem": problem}


def test_failures_are_counted_by_kind_and_the_first_is_named(runs):
    """A kind is the objective, the state and the type of exception; texts that differ are one kind."""
    outcomes = Outcomes()
    kinds = ["E: one", "E: two", "F"]
    failed = [evaluation(index, "error", RAISED + text) for index, text in enumerate(kinds)]
    firsts = [outcomes.add(runs["random"][0], [record]) for record in failed]
    firsts.append(outcomes.add(runs["grid"][0], [evaluation(0, state) for state in ("ok", "diverged") * 2]))
    assert [len(first) for first in firsts] == [1, 0, 1, 1]
    assert firsts[0][0].describe_first().startswith("runs/branin/random/000.jsonl: evaluation 0 raised: E: one")
    assert [line.partition(" (")[0] for line in outcomes.describe()] == [
        "branin: 2 of 7 evaluations raised: E: one",
        "branin: 1 of 7 evaluations raised: F",
        "branin: 2 of 7 evaluations diverged",
    ]
    assert (outcomes.failed, outcomes.cells_without_success()) == (5, [("branin", "random")])


@pytest.mark.parametrize("state", ["error", "diverged", "crashed", "timeout"])
def test_a_cell_without_any_result_is_named(runs, state):
    """Whatever the state is; one result is enough."""
    outcomes = Outcomes()
    outcomes.add(runs["grid"][0], [evaluation(0, state)])
    assert list(outcomes.describe_cells_without_success()) == [
        "branin/grid: none of its 1 evaluations came to a result"
    ]
    outcomes.add(runs["grid"][1], [evaluation(0, "ok")])
    assert list(outcomes.describe_cells_without_success()) == []


def test_runs_that_ended_with_budget_left_are_told(runs):
    """With the range of trials; a run that had exactly its budget, or spent it, did not end early."""
    outcomes = Outcomes()
    for run, count, reason in zip(runs["grid"], (1, 3, 4), ("exhausted",) * 3, strict=True):
        evaluations = [evaluation(index, "ok") for index in range(count)]
        outcomes.add(run, [*evaluations, {"kind": "end", "reason": reason}])
    outcomes.add(runs["random"][0], [{"kind": "end", "reason": "budget"}])
    assert list(outcomes.describe_early_ends()) == [
        "branin/grid: 2 of 3 runs ended after 1 to 3 of 4 trials: no configurations left"
    ]


def test_a_follower_says_what_fails_while_a_run_is_written(runs, tmp_path):
    """Once a kind, before the run has ended; nothing is counted twice when the ledger gets its final name."""
    run, said = runs["random"][0], []
    follower = LedgerFollower(tmp_path, {run.path: [run]}, said.append)
    follower.look()
    with Ledger(tmp_path / run.path) as ledger:
        ledger.append({"kind": "header"})
        ledger.append(evaluation(0, "error", RAISED + "E: one"))
        follower.look()
        assert len(said) == 1
        ledger.append(evaluation(1, "error", RAISED + "E: two"))
        ledger.complete({"kind": "end", "reason": "budget", "evaluations": 2})
    follower.read(run)
    assert (len(said), follower.outcomes.failed, follower.outcomes.evaluations.total()) == (1, 2, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RAISED + "ValueError: first line\nsecond: line\n  third", "ValueError: first line"),
        (RAISED + "\nDuring handling\n\n" + RAISED + "my.Error", "my.Error"),
        ("training took longer\nthan allowed", "training took longer"),
        ("", ""),
    ],
)
def test_a_traceback_is_named_by_what_was_raised(text, expected):
    """Of several the last, and of its text the first line."""
    assert exception_line(text) == expected
