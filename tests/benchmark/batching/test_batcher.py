"""The batcher: runs side by side over a stack end exactly as each of them would alone."""

import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.batching import batcher as batchers
from benchmark.batching.batcher import TrialBatcher
from benchmark.batching.lookahead import predict_jobs
from benchmark.batching.run_group import execute_group, trains_side_by_side
from benchmark.reproducibility.environment import describe_environment
from benchmark.storage.ledger_format import partial_path, read_ledger
from benchmark.suite import parsing as suites
from benchmark.tuning.execution import execute_run
from benchmark.tuning.run_settings import RunSettings
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy, ToyStack, invented_calibration

pytestmark = pytest.mark.usefixtures("no_disk")

MEASURED = ("train_seconds", "reported_seconds", "paid_seconds", "decide_seconds", "crc")  # A stack is timed by itself.
OBJECTIVE = "tests.benchmark.fakes.stacked_toy:StackedToy"
CARD = describe_environment("cpu", 1)
ALGORITHMS = {
    "random": {"searcher": "random"},
    "again": {"searcher": "random"},
    "local": {"searcher": {"name": "local", "num_init_random": 1, "probab_local": 0.7}},
    "grid": {"searcher": "grid"},
    "halving": {"scheduler": "successive_halving", "searcher": "random"},
    "thirds": {"scheduler": {"name": "successive_halving", "eta": 3}, "searcher": "random"},
}
SUITE = {"seed": 5, "repetitions": 3, "clock": "modelled", "budget": {"trials": 6}, "algorithms": ALGORITHMS}


def suite_of(options=None, **changes):
    """A suite on the toy objective with these options, priced by invented numbers."""
    table = {**SUITE, **changes, "objectives": {"toy": {"name": OBJECTIVE, **(options or {})}}}
    return replace(suites.parse("toy", table), calibration=invented_calibration({OBJECTIVE: StackedToy()}))


def settings_of(folder, **changes):
    """What runs into a folder have in common."""
    return RunSettings(**{"folder": Path(folder), "machine": Machine(), "environment": CARD, **changes})


def objective_of(suite):
    """The toy objective as the suite has it."""
    return StackedToy(**suite.objectives[0].part.options)


class Watched(ToyStack):
    """A toy stack that checks its batcher before every advance."""

    def __init__(self, objective, capacity):
        super().__init__(objective, capacity)
        self.batcher, self.most_open, self.fullest = None, 0, 0

    def advance(self):
        batcher = self.batcher
        assert not (self.free and (batcher.urgent or batcher.deferrable)), "a slot is empty while a trial is asked for"
        assert not (self.free and batcher.looks_ahead and self.forgotten()), (
            "a slot is empty while a trial is predicted"
        )
        assert len(batcher.open_runs) <= batcher.most_open
        assert len(batcher.open_runs) == batcher.most_open or not batcher.unopened_runs, (
            "a run could be open and is not"
        )
        in_slots = {ticket for ticket, pending in batcher.pending.items() if pending.in_slot}
        assert in_slots == set(self.slots)
        waiting = [opened.run.path for pending in batcher.pending.values() for opened in pending.waiting_runs]
        assert sorted(waiting) == sorted(batcher.open_runs), "a run waits for nothing, or twice"
        assert all(pending.waiting_runs or pending.target_epochs for pending in batcher.pending.values()), (
            "nobody asks for it"
        )
        assert len(batcher.urgent) + len(batcher.deferrable) + len(in_slots) == len(batcher.pending)
        self.most_open = max(self.most_open, len(batcher.open_runs))
        self.fullest = max(self.fullest, len(self.slots))
        return super().advance()

    def forgotten(self):
        """Trials that open runs are bound to ask for and that were never begun."""
        trials = [
            self.batcher.cache.trial(opened.run, config)
            for opened in self.batcher.open_runs.values()
            for config, _ in predict_jobs(opened.run, self.objective) or ()
        ]
        return [trial for trial in trials if not (trial.epochs or trial.ended or id(trial) in self.batcher.pending)]


def side(suite, folder, capacity=5, order=None, **changes):
    """Execute a suite's runs side by side; gives reports and the stack."""
    objective = objective_of(suite)
    stack = Watched(objective, capacity)
    runs = list(suite.runs()) if order is None else order
    run_settings = settings_of(folder, **changes)
    stack.batcher = TrialBatcher(runs, objective, run_settings, stack, objective.prepare(Machine()))
    reports = stack.batcher.execute()
    assert open_files(folder) == []
    assert Counter(report.run.path for report in reports) == Counter(run.path for run in runs)
    if all(report.state == "done" for report in reports):  # Else trials that were predicted may be in slots still.
        assert set(stack.slots) == set(stack.batcher.pending)
        # A recorded failure is not learned, so a resumed run's lookahead may be training it again at the end.
        assert all(
            slot.config["x"] % 5 == 3 and "raising" in suite.objectives[0].part.options for slot in stack.slots.values()
        )
    assert stack.batcher.cache._trials == {}
    return reports, stack


def alone(suite, folder):
    """Execute every run by itself, in turn, without a stack: the oracle."""
    return [execute_run(run, settings_of(folder)) for run in suite.runs()]


def open_files(folder):
    """Files below a folder that this process holds open."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.append(entry.readlink())
        except OSError:
            continue  # The listing's own descriptor.
    return [link for link in links if link.is_relative_to(Path(folder).resolve())]


def bare(record, dropped=MEASURED):
    """A record without what is measured; of a problem its last line, for stacks differ in tracebacks."""
    kept = {name: value for name, value in record.items() if name not in dropped}
    return kept | ({"problem": record["problem"].strip().splitlines()[-1]} if "problem" in record else {})


def ledgers(folder, dropped=MEASURED):
    """All records but the header of every finished ledger, without what is measured."""
    found = {}
    for path in sorted(Path(folder).glob("runs/*/*/*.jsonl")):
        found[path.relative_to(folder)] = [
            bare(r, dropped) for r in read_ledger(path).records if r["kind"] in ("evaluation", "end")
        ]
    return found


def summary(reports):
    """Reports in an order of their own."""
    return sorted((str(r.run.path), r.state, r.evaluations, r.best_error, r.problem) for r in reports)


def cut(folder, rng):
    """Make every ledger of a folder as a kill leaves it: cut anywhere, or gone, or finished."""
    for path in sorted(Path(folder).glob("runs/*/*/*.jsonl")):
        fate = rng.random()
        if fate < 0.2:
            continue
        data = path.read_bytes()
        path.unlink()
        if fate < 0.9:
            partial_path(path).write_bytes(data[: rng.randrange(len(data))])


@contextmanager
def folders(count):
    """Some empty folders."""
    with TemporaryDirectory() as root:
        made = [Path(root, str(number)) for number in range(count)]
        for folder in made:
            folder.mkdir()
        yield made


budgets = st.one_of(
    st.fixed_dictionaries({"trials": st.integers(1, 7)}),
    st.fixed_dictionaries({"evaluations": st.integers(1, 12)}),
    st.fixed_dictionaries({"epochs": st.integers(1, 20)}),
    st.fixed_dictionaries({"runtime": st.floats(0.5, 20), "trials": st.just(12)}),
)


@st.composite
def suite_strategy(draw):
    """Any small suite on the toy objective."""
    epochs = draw(st.integers(1, 6))
    labels = draw(st.lists(st.sampled_from(sorted(ALGORITHMS)), min_size=1, max_size=4, unique=True))
    options = {
        "epochs": epochs,
        "choices": draw(st.sampled_from([2, 5, 12, 1000])),
        "shuffle": draw(st.integers(0, 10**6)),
        "parallel": draw(st.booleans()),
        **draw(st.fixed_dictionaries({}, optional={name: st.integers(1, epochs) for name in ("raising", "diverging")})),
    }
    return suite_of(
        options,
        seed=draw(st.integers(0, 10**6)),
        repetitions=draw(st.integers(1, 3)),
        n_workers=draw(st.sampled_from([1, 3])),
        resume=draw(st.booleans()),
        budget=draw(budgets),
        algorithms={label: ALGORITHMS[label] for label in labels},
    )


capacities = st.sampled_from([1, 2, 3, 7, 64])


@settings(max_examples=12)
@given(suite=suite_strategy(), capacity=capacities, rng=st.integers(0, 10**6).map(random.Random))
def test_any_suite_side_by_side_ends_as_each_run_alone(suite, capacity, rng):
    """Any algorithms, capacity and order give the solo runs' ledgers, each epoch is trained once and paid once."""
    with folders(2) as (solo, stacked):
        expected = alone(suite, solo)
        order = list(suite.runs())
        rng.shuffle(order)

        reports, stack = side(suite, stacked, capacity, order)

        assert ledgers(stacked) == ledgers(solo)
        assert len(ledgers(solo)) == len(expected)
        assert summary(reports) == summary(expected)
        assert set(stack.trained.values()) <= {1}
        assert stack.trained.keys() == wanted_epochs(suite, solo)
        assert paid(stacked) == stack.seconds


def evaluations(folder):
    """Every evaluation of a folder, finished or not, with its repetition."""
    for path in sorted(Path(folder).glob("runs/*/*/*.jsonl*")):
        for record in read_ledger(path).records:
            if record["kind"] == "evaluation":
                yield int(path.name[:3]), record


def paid(folder):
    """Seconds of training paid in a folder, of trials that did not raise; whole numbers, so exact."""
    return sum(record["paid_seconds"] for _, record in evaluations(folder))


def wanted_epochs(suite, folder):
    """The epochs that have to be trained for the evaluations of a folder, by (trial, epoch)."""
    from benchmark.reproducibility.seeding import trial_seed

    options = suite.objectives[0].part.options
    found = set()
    for repetition, record in evaluations(folder):
        config = record["config"]
        last = options.get("raising") if record["state"] == "error" else record["epochs"]
        name = config["x"], trial_seed(suite.seed, OBJECTIVE, repetition, config).spawn_key
        found |= {(name, epoch) for epoch in range(1, last + 1)}
    return found


@settings(max_examples=10)
@given(suite=suite_strategy(), capacity=capacities, rng=st.integers(0, 10**6).map(random.Random))
def test_any_suite_resumed_from_any_cut_ends_as_unbroken(suite, capacity, rng):
    """What is left of the ledgers is completed to the same bytes; known epochs are trained again only to go beyond."""
    with folders(2) as (solo, stacked):
        alone(suite, solo)
        side(suite, stacked, capacity)
        cut(stacked, rng)
        kept = {path: whole_lines(path) for path in stacked.glob("runs/*/*/*.part")}
        known = Counter()
        for name, epoch in wanted_epochs(suite, stacked):
            known[name] = max(known[name], epoch)
        pending = [run for run in suite.runs() if not (stacked / run.path).exists()]
        rng.shuffle(pending)

        reports, stack = side(suite, stacked, rng.choice([1, 2, 7]), pending)

        assert ledgers(stacked) == ledgers(solo)
        assert {report.state for report in reports} <= {"done"}
        for path, lines in kept.items():
            assert path.with_suffix("").read_bytes().startswith(lines)
        assert set(stack.trained.values()) <= {1}
        reached = Counter()
        for name, epoch in stack.trained:
            reached[name] = max(reached[name], epoch)
        again = {name for name in reached if reached[name] <= known[name]}
        assert all(name[0] % 5 == 3 and "raising" in suite.objectives[0].part.options for name in again)


def whole_lines(path):
    """A file's bytes up to its last newline."""
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1]


@pytest.mark.parametrize("capacity", [7, *(pytest.param(size, marks=pytest.mark.slow) for size in (1, 2, 64))])
@pytest.mark.parametrize("resume", [True, False])
def test_errors_are_those_of_the_measured_clock(tmp_path, capacity, resume):
    """A solo run on the measured clock and one in a stack on the modelled clock train the same trials alike."""
    options = {"epochs": 4, "raising": 2, "diverging": 3}
    timed = (*MEASURED, "start", "end")
    alone(suite_of(options, clock="measured", resume=resume), tmp_path / "solo")

    side(suite_of(options, resume=resume), tmp_path / "stacked", capacity)

    expected = ledgers(tmp_path / "solo", timed)
    assert len(expected) == 18
    assert {record.get("state") for records in expected.values() for record in records} >= {"ok", "error", "diverged"}
    assert ledgers(tmp_path / "stacked", timed) == expected


@pytest.mark.slow
@pytest.mark.parametrize("capacity", [1, 3, 64])
def test_slots_fill_and_open_runs_are_bounded(tmp_path, capacity, monkeypatch):
    """With runs to spare all slots are in use, and no more ledgers are open than the bound says."""
    monkeypatch.setattr(batchers, "MOST_OPEN_RUNS", 40)
    suite = suite_of(
        {"choices": 10**6}, repetitions=30, algorithms={"random": ALGORITHMS["random"], "local": ALGORITHMS["local"]}
    )

    _, stack = side(suite, tmp_path, capacity)

    assert stack.most_open == min(40, batchers.OPEN_RUNS_PER_SLOT * capacity)
    assert stack.fullest == capacity


def test_only_modelled_runs_of_stackable_objectives_are_side_by_side():
    """On the measured clock each trial is timed by itself."""
    from objectives.closed_form.functions import Branin

    modelled, measured = (next(suite_of(clock=clock).runs()) for clock in ("modelled", "measured"))

    assert trains_side_by_side(modelled, StackedToy())
    assert not trains_side_by_side(measured, StackedToy())
    assert not trains_side_by_side(modelled, Branin())


@pytest.mark.parametrize("clock", ["measured", "modelled"])
def test_a_group_is_executed_in_turn_or_side_by_side(tmp_path, clock):
    """Both ways end all runs; only side by side is a trial of two algorithms trained once."""
    suite = suite_of({"log": str(tmp_path / "log")}, clock=clock)

    reports = execute_group(list(suite.runs()), settings_of(tmp_path, capacity=3))

    assert {report.state for report in reports} == {"done"}
    assert len(reports) == 18
    trained = Counter((tmp_path / "log").read_text().splitlines())
    assert (set(trained.values()) == {1}) == (clock == "modelled")
