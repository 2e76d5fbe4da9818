"""The stall monitor: a suite without a time limit does not hang without a warning."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark.driver import stall_monitor
from benchmark.driver.runner import Runner
from benchmark.driver.stall_monitor import PATIENCE, StallMonitor
from benchmark.suite import parsing as suites
from tests.benchmark.fakes.hanging_suite import evaluations, run, without_measured, write_suite


class Ledgers:
    """A stall monitor over a folder of unfinished ledgers that grow when they are told to."""

    def __init__(self, folder):
        self.folder, self.now, self.messages, self.in_flight = folder, 0.0, [], {}
        self.monitor = StallMonitor(folder, self.in_flight, self.messages.append)

    def start(self, *names):
        """Begin to execute runs side by side."""
        runs = [SimpleNamespace(path=Path("runs", name)) for name in names]
        self.in_flight.update({run.path: runs for run in runs})
        self.after(0)

    def record(self, name):
        """Let a run record something."""
        path = self.folder / "runs" / f"{name}.part"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"x\n")

    def after(self, seconds):
        """Return the warnings of a look that much later."""
        self.now += seconds
        self.messages.clear()
        self.monitor.look(self.now)
        return list(self.messages)


def test_a_stalled_run_is_named_after_twice_the_longest_wait_and_a_minute(tmp_path):
    """Until then nothing; then which run, for how long, and what to do; again when the wait has doubled."""
    ledgers = Ledgers(tmp_path)
    ledgers.start("a")
    ledgers.start("b")
    ledgers.record("a")
    assert ledgers.after(50) == []
    assert ledgers.monitor.longest_wait == 50
    ledgers.record("a")
    assert ledgers.after(2 * 50 + PATIENCE - 50) == []
    (line,) = ledgers.after(2 * 110 + PATIENCE + 1 - 160)
    assert line.startswith("runs/b (evaluation 0): nothing recorded for 281 s, the longest wait so far was 110 s.")
    assert "give it a `timeout`" in line
    del ledgers.in_flight[Path("runs", "a")]
    assert ledgers.after(281) == []
    assert len(ledgers.after(1)) == 1


def test_runs_side_by_side_are_silent_together_and_finished_ones_not_at_all(tmp_path):
    """Some wait for a slot as long as others train; whoever is no longer in flight is not waited for."""
    ledgers = Ledgers(tmp_path)
    ledgers.start("a", "b", "c")
    for _ in range(5):
        ledgers.record("b")
        assert ledgers.after(PATIENCE - 1) == []
    del ledgers.in_flight[Path("runs", "a")]
    (line,) = ledgers.after(10 * PATIENCE)
    assert line.startswith("runs/b (evaluation 0) and 2 runs beside it: nothing recorded")
    ledgers.in_flight.clear()
    assert ledgers.after(10_000) == []


@pytest.mark.slow
def test_a_suite_without_a_timeout_tells_of_a_hanging_trial(tmp_path, monkeypatch):
    """The run is named while it is silent, ends as it would have, and its records are those of an unwatched run."""
    suite = write_suite(tmp_path, limit=1000, above=1.0)
    text = (
        (tmp_path / "tiny.toml")
        .read_text()
        .replace("\ntimeout = 1000", "")
        .replace("repetitions = 3", "repetitions = 1")
    )
    (tmp_path / "tiny.toml").write_text(text + "pace = 0.1\n")
    suite = suites.load(str(tmp_path / "tiny.toml"))
    assert suite.timeout is None
    run(suite, tmp_path / "unwatched", jobs=1)
    monkeypatch.setattr(Runner, "_price", lambda self, group: 0.0)
    monkeypatch.setattr(stall_monitor, "PATIENCE", -1e9)
    monkeypatch.setattr(stall_monitor, "SECONDS_BETWEEN_LOOKS", 0.02)

    reports, messages = run(suite, tmp_path / "watched", jobs=1)

    assert [report.state for report in reports] == ["done"]
    assert any(line.startswith("runs/hanging/random/000.jsonl (evaluation ") for line in messages)
    found = [without_measured(evaluations(tmp_path / name / "tiny")) for name in ("unwatched", "watched")]
    charged = ("start", "end", "train_seconds", "paid_seconds", "decide_seconds")
    assert not set(charged) & set(found[0]["000.jsonl"][0])
    assert found[0] == found[1]


def test_no_warning_comes_before_twice_the_price_of_what_trains(tmp_path):
    """The first record of a slow objective may be expected later than after a minute."""
    ledgers = Ledgers(tmp_path)
    ledgers.monitor.price = lambda group: 100.0
    ledgers.start("a")
    assert ledgers.after(200) == []
    assert len(ledgers.after(1)) == 1
