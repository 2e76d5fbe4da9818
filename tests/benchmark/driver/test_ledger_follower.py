"""The follower of ledgers: every evaluation is counted once, whatever file it lies in."""

import pytest

from benchmark.driver.ledger_follower import LedgerFollower
from benchmark.storage.ledger_format import partial_path
from benchmark.suite import parsing as suites
from objectives.objective import ASKED_FOR
from tests.benchmark.records import END, HEADER, lines_of


def runs_of(repetitions):
    """The runs of one algorithm."""
    table = {"seed": 1, "budget": {"trials": 8}, "algorithms": {"own": {"searcher": "random"}}}
    return list(suites.parse("tiny", {**table, "repetitions": repetitions, "objectives": {"branin": {}}}).runs())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"route": "functional", "route_reason": "Triton is not installed"},
            ["note: branin: trained by the route functional: Triton is not installed"],
        ),
        ({"route": "functional", "route_reason": ASKED_FOR}, []),
        ({"route": "looped"}, []),
    ],
)
def test_a_route_that_was_not_to_be_expected_is_said_once(tmp_path, environment, expected):
    """Whatever the number of runs; not where the user has asked for it."""
    heard = []
    follower = LedgerFollower(tmp_path, {}, heard.append)
    for run in runs_of(2):
        path = tmp_path / run.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lines_of({**HEADER, "environment": environment}))
        follower.read(run)

    assert heard == expected


def test_a_run_that_goes_on_in_another_file_is_counted_once(tmp_path):
    """Its unfinished ledger begins with what the complete one holds, under a header of another length."""
    (run,) = runs_of(1)
    evaluations = [
        {"kind": "evaluation", "index": index, "trial": index, "state": "ok", "valid_error": 0.5} for index in range(5)
    ]
    path = tmp_path / run.path
    path.parent.mkdir(parents=True)
    path.write_bytes(lines_of(HEADER, *evaluations[:2], END))
    follower, counted = LedgerFollower(tmp_path, {}, print), []
    follower.outcomes.add = lambda run, records: counted.extend(record.get("index") for record in records) or []

    follower.read(run, quiet=True)
    for count in (2, 3, 5):
        data = lines_of({**HEADER, "longer": "header"}, *evaluations[:count])
        if count == 2:
            partial_path(path).write_bytes(data)
        else:
            with partial_path(path).open("r+b") as file:
                file.write(data)
        follower.read(run)
    partial_path(path).rename(path)
    follower.read(run)

    assert [index for index in counted if index is not None] == [0, 1, 2, 3, 4]
