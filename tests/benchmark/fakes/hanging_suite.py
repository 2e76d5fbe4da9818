"""A suite some of whose trials hang: its file, a run of it, and what it recorded."""

from benchmark.driver.runner import Runner
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from objectives.objective import Machine
from tests.benchmark.fakes.message_listener import MessageListener

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "start", "end", "crc", "problem")


LIMIT = 0.4


SUITE = """
seed = 3
repetitions = 3
timeout = {limit}
clock = "{clock}"
budget.trials = 4
algorithms.random.searcher = "random"
[objectives.hanging]
name = "tests.benchmark.fakes.hanging:Hanging"
how = "{how}"
limit = {above}
mark = "{mark}"
"""


def write_suite(folder, how="sleep", *, clock="measured", above=0.8, limit=LIMIT):
    """A suite some of whose trials hang."""
    text = SUITE.format(limit=limit, clock=clock, how=how, above=above, mark=folder)
    (folder / "tiny.toml").write_text(text)
    return suites.load(str(folder / "tiny.toml"))


def run(suite, results, jobs):
    """Run a suite; returns its reports and the messages of its driver."""
    listener = MessageListener()
    return Runner(suite, results, jobs=jobs, machine=Machine(), listener=listener).run(), listener.messages


def evaluations(folder):
    """All evaluations of a suite's folder, by ledger."""
    paths = sorted(folder.glob("runs/*/*/*.jsonl"))
    return {path.name: [r for r in read_ledger(path).records if r["kind"] == "evaluation"] for path in paths}


def without_measured(evaluations):
    """Evaluations by ledger without the fields that are measured."""
    return {
        name: [{key: value for key, value in record.items() if key not in MEASURED} for record in records]
        for name, records in evaluations.items()
    }


def assert_timeouts_recorded(evaluations, above=0.8):
    """Those that hang, and only they, are recorded as timeout, with the limit as their time and no error."""
    records = [record for ledger in evaluations.values() for record in ledger]
    assert len(records) == 12
    states = {record["state"] for record in records}
    assert states == {"ok", "timeout"}
    for record in records:
        assert (record["state"] == "timeout") == (record["config"]["x"] > above)
        if record["state"] == "timeout":
            assert (record["valid_error"], record["test_error"], record["valid_curve"]) == (None, None, [])
            assert record["train_seconds"] == LIMIT
            assert record["problem"] == f"training took longer than the suite's timeout of {LIMIT} s"
            assert record["epochs"] == record["start_epoch"]
