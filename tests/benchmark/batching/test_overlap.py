"""The host decides and records while the device trains: shown on a device with a clock of its own."""

import random
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.batching import run_group
from benchmark.batching.batcher import TrialBatcher
from benchmark.batching.run_group import execute_group
from benchmark.storage.ledger_format import evaluations_of, read_ledger
from objectives.objective import Machine
from tests.benchmark.batching.test_batcher import (
    alone,
    capacities,
    cut,
    folders,
    ledgers,
    objective_of,
    settings_of,
    suite_of,
    suite_strategy,
    summary,
    wanted_epochs,
)
from tests.benchmark.fakes import device_stack
from tests.benchmark.fakes.device_stack import Clock, DeviceStack
from tests.benchmark.fakes.stacked_toy import StackedToy

pytestmark = pytest.mark.usefixtures("no_disk")

SLOW = "tests.benchmark.fakes.device_stack:SlowScript"


def beside(suite, folder, capacity, clock=None, order=None, **options):
    """Execute a suite's runs beside a device; gives reports, the stack and the clock."""
    objective = objective_of(suite)
    device_stack.CLOCK = clock = clock or Clock()
    stack = DeviceStack(objective, capacity, **options)
    runs = list(suite.runs()) if order is None else order
    batcher = TrialBatcher(runs, objective, settings_of(folder), stack, objective.prepare(Machine()))
    return batcher.execute(), stack, clock


def scripted(runs, trials, epochs):
    """A suite of runs that each ask for so many trials of their own, whose epochs take longer and less long."""
    algorithms = {
        f"script{run}": {"scheduler": {"name": SLOW, "steps": [[x, epochs] for x in range(run, trials * runs, runs)]}}
        for run in range(runs)
    }
    options = {"epochs": epochs, "choices": 1000}
    return suite_of(options, repetitions=1, budget={"evaluations": 100}, algorithms=algorithms)


@pytest.mark.parametrize(
    ("runs", "slots", "share"),
    [(5, 4, 3.0), *(pytest.param(*size, marks=pytest.mark.slow) for size in ((15, 10, 0.1), (15, 10, 2.0)))],
)
def test_decisions_take_no_time_of_the_device(tmp_path, runs, slots, share):
    """What takes longer, deciding or training, is nearly all that a suite takes, and not their sum."""
    suite, trials = scripted(runs, 4, epochs=8), 4
    _, serial, _ = beside(suite, tmp_path / "serial", slots, overlaps=False)
    decisions = runs * (trials + 1)  # The last one is that there is nothing more to ask for.
    cost = share * serial.busy / decisions

    _, _, clock = beside(suite, tmp_path / "overlapped", slots, Clock(decision=cost))

    assert clock.decided == pytest.approx(decisions * cost)
    assert clock.now < 1.05 * max(serial.busy, clock.decided)
    assert ledgers(tmp_path / "overlapped") == ledgers(tmp_path / "serial")


@pytest.mark.slow
@settings(max_examples=12)
@given(
    suite=suite_strategy(),
    capacity=capacities,
    rng=st.integers(0, 10**6).map(random.Random),
    step=st.sampled_from([0.0, 0.01, 1.0, 50.0]),
)
def test_any_suite_beside_a_device_ends_as_each_run_alone(suite, capacity, rng, step):
    """However long training takes beside deciding, ledgers are those of solo runs, and each epoch is trained once."""
    with folders(2) as (solo, stacked):
        expected = alone(suite, solo)
        order = list(suite.runs())
        rng.shuffle(order)

        reports, stack, _ = beside(suite, stacked, capacity, TickingClock(rng), order, step=step)

        assert ledgers(stacked) == ledgers(solo)
        assert summary(reports) == summary(expected)
        assert set(stack.trained.values()) <= {1}
        assert stack.trained.keys() == wanted_epochs(suite, solo)

        cut(stacked, rng)
        pending = [run for run in suite.runs() if not (stacked / run.path).exists()]
        reports, _, _ = beside(suite, stacked, rng.choice([1, 2, 7]), TickingClock(rng), pending, step=step)

        assert ledgers(stacked) == ledgers(solo)
        assert {report.state for report in reports} <= {"done"}


class TickingClock:
    """A clock that goes on by another amount whenever somebody looks."""

    def __init__(self, rng):
        self.rng, self.time = rng, 0.0

    @property
    def now(self):
        self.time += self.rng.choice([0.0, 0.1, 3.0])
        return self.time

    @now.setter
    def now(self, time):
        self.time = time


BREAKS = [
    pytest.param(number, where, marks=() if (number, where) == (24, "begin") else pytest.mark.slow)
    for number in (3, 22, 24)
    for where in ("begin", "finish")
]


@pytest.mark.parametrize(("number", "where"), BREAKS)
def test_what_was_trained_before_a_device_failed_is_recorded(tmp_path, monkeypatch, number, where):
    """The round that fails takes nothing with it that had ended, and no trial is to blame."""
    error = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    [reports], [stack] = executed(tmp_path, monkeypatch, breaks=(number, where), error=error)

    assert {report.state for report in reports} == {"failed"}
    assert all("illegal memory access" in report.problem for report in reports)
    paths = sorted(Path(tmp_path).rglob("*.jsonl*"))
    states = [record["state"] for path in paths for record in evaluations_of(read_ledger(path).records)]
    assert states == ["ok"] * sum(epoch == 2 for _, epoch in stack.trained)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "where"), BREAKS)
def test_memory_that_runs_out_halves_the_stack(tmp_path, monkeypatch, number, where):
    """The records are those of a stack that fits, wherever the memory ran out."""
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    [reports], stacks = executed(tmp_path / "halved", monkeypatch, breaks=(number, where), error=error)
    alone(scripted(2, 3, epochs=2), tmp_path / "solo")

    assert [stack.capacity for stack in stacks] == [2, 1]
    assert {report.state for report in reports} == {"done"}
    assert ledgers(tmp_path / "halved") == ledgers(tmp_path / "solo")


def executed(folder, monkeypatch, **broken):
    """Execute two scripts on stacks, of which the first one breaks; gives reports and stacks."""
    suite, stacks = scripted(2, 3, epochs=2), []
    device_stack.CLOCK = Clock(decision=0.1)

    def stack(self, machine, capacity=None):
        stacks.append(DeviceStack(self, capacity or 2, **({} if stacks else broken)))
        return stacks[-1]

    monkeypatch.setattr(StackedToy, "stack", stack)
    monkeypatch.setattr(run_group, "build_objective", lambda entry: StackedToy(**entry.part.options))
    return [execute_group(list(suite.runs()), settings_of(folder))], stacks
