"""The follower of ledgers: every evaluation is counted once, whatever file it lies in."""

from benchmark.driver.ledger_follower import LedgerFollower
from benchmark.storage.ledger_format import partial_path
from benchmark.suite import parsing as suites
from tests.benchmark.records import END, HEADER, lines_of


def test_a_run_that_goes_on_in_another_file_is_counted_once(tmp_path):
    """Its unfinished ledger begins with what the complete one holds, under a header of another length."""
    table = {"seed": 1, "repetitions": 1, "budget": {"trials": 8}, "algorithms": {"own": {"searcher": "random"}}}
    (run,) = suites.parse("tiny", {**table, "objectives": {"branin": {}}}).runs()
    evaluations = [
        {"kind": "evaluation", "index": index, "trial": index, "state": "ok", "valid_error": 0.5} for index in range(5)
    ]
    path = tmp_path / run.path
    path.parent.mkdir(parents=True)
    path.write_bytes(lines_of(HEADER, *evaluations[:2], END))
    follower, counted = LedgerFollower(tmp_path, {}, print), []
    follower.outcomes.add = lambda run, record: counted.append(record.get("index"))

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
