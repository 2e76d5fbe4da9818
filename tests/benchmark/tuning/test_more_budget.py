"""More budget later: runs go on where they were, to the ledgers of runs that had the larger budget from the start."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from algorithms.adapters.registry import SCHEDULERS as schedulers_of_libraries
from algorithms.adapters.registry import SEARCHERS as searchers_of_libraries
from benchmark.batching import batcher as batchers
from benchmark.batching.run_group import execute_group
from benchmark.construction.objective_factory import build_objective
from benchmark.reproducibility.environment import describe_environment
from benchmark.storage.ledger_format import encode_record, failed_path, partial_path, read_ledger
from benchmark.suite import parsing as suites
from benchmark.tuning.execution import RunExecution, build_trainer
from benchmark.tuning.run_report import is_done
from benchmark.tuning.run_settings import RunSettings
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy, invented_calibration

pytestmark = pytest.mark.usefixtures("no_disk")

MEASURED = ("train_seconds", "reported_seconds", "paid_seconds", "decide_seconds", "problem")
"""What differs from run to run: seconds, and the lines of code in a traceback."""

TIMES = (*MEASURED, "start", "end")
"""Likewise on the measured clock."""

OBJECTIVE = "tests.benchmark.fakes.stacked_toy:StackedToy"
CARD = describe_environment("cpu", 1)
OWN = {
    "random": {"searcher": "random"},
    "local": {"searcher": {"name": "local", "num_init_random": 1, "probab_local": 0.7}},
    "grid": {"searcher": "grid"},
    "sobol": {"searcher": "sobol"},
    "halving": {"scheduler": "successive_halving", "searcher": "random"},
    "hyperband": {"scheduler": {"name": "hyperband", "eta": 2}, "searcher": "random"},
    "asha": {"scheduler": {"name": "asha", "eta": 2}, "searcher": "random", "n_workers": 3},
    "median": {"scheduler": "median_stopping", "searcher": "random"},
    "side-by-side": {"searcher": "local", "n_workers": 2},
}
LARGER = {
    "trials": ({"trials": 3}, {"trials": 4}, {"trials": 11}),
    "evaluations": ({"evaluations": 1}, {"evaluations": 6}, {"evaluations": 13}),
    "epochs": ({"epochs": 5}, {"epochs": 6}, {"epochs": 41}),
    "runtime": ({"runtime": 1.5}, {"runtime": 4.25}, {"runtime": 15}),
    "several": ({"trials": 3, "runtime": 2.0}, {"trials": 3, "runtime": 30.0}, {"trials": 9}),
}


def runs_of(budget, algorithms=OWN, clock="modelled", **options):
    """The runs of a suite on the toy objective."""
    toy = {"name": OBJECTIVE, "choices": 40, "raising": 2, "diverging": 3, **options}
    table = {"seed": 7, "repetitions": 1, "clock": clock, "budget": budget, "algorithms": algorithms}
    suite = suites.parse("toy", {**table, "objectives": {"toy": toy}})
    prices = invented_calibration({OBJECTIVE: StackedToy()}) if clock == "modelled" else None
    return list(replace(suite, calibration=prices).runs())


def settings_of(folder, **changes):
    """Where they run."""
    return RunSettings(folder=Path(folder), machine=Machine(), environment=CARD, **changes)


def execute(runs, folder):
    """Execute the runs that are not done, as a worker does; their states."""
    pending = [run for run in runs if not is_done(run, folder)]
    return {report.run.path: report.state for report in execute_group(pending, settings_of(folder))} if pending else {}


def kill_after(run, folder, count):
    """Execute a run until it has trained so many jobs, and leave it as a kill would."""
    objective = build_objective(run.objective)
    trainer = build_trainer(run, objective, Machine())
    steps = RunExecution(run, objective, settings_of(folder), "reference", route="toy").steps({"toy": "0" * 64})
    try:
        job = next(steps)
        for _ in range(count):
            job = steps.send(trainer.train(job))
    except StopIteration:
        return
    steps.close()


def content(path, left_out=MEASURED):
    """A complete ledger's records without what is measured, after a look at its bytes."""
    data, lines, crc = path.read_bytes(), b"", 0
    header, *records = read_ledger(path).records
    for record in (header, *records):
        line, crc = encode_record(record, crc)
        lines += line
    assert data == lines
    header = {name: value for name, value in header.items() if name != "created"}
    return [header, *({name: value for name, value in one.items() if name not in left_out} for one in records)]


def contents(runs, folder, left_out=MEASURED):
    """Those of all runs."""
    assert not list(folder.rglob("*.part")) + list(folder.rglob("*.tmp")) + list(folder.rglob("*.failed"))
    return {run.path: content(folder / run.path, left_out) for run in runs}


@pytest.mark.parametrize("kind", LARGER)
def test_a_larger_budget_ends_in_the_ledgers_of_a_fresh_run(tmp_path, kind):
    """Whatever the budget counts; some runs are killed in the middle, and all go on twice."""
    algorithms = OWN if kind == "trials" else {name: OWN[name] for name in ("random", "hyperband", "asha")}
    fresh, extended = tmp_path / "fresh", tmp_path / "extended"
    for budget in LARGER[kind]:
        runs = runs_of(budget, algorithms)
        for run in runs[::2]:
            kill_after(run, extended, 1)
        assert set(execute(runs, extended).values()) <= {"done"}
        assert all(is_done(run, extended) for run in runs)

    execute(runs, fresh)

    assert contents(runs, extended) == contents(runs, fresh)


@pytest.mark.parametrize(("smaller", "larger"), [pair for budgets in LARGER.values() for pair in pairwise(budgets)])
def test_a_smaller_budget_is_refused_and_touches_nothing(tmp_path, smaller, larger):
    """What is recorded beyond it would have to be cut off; where a limit is new, likewise."""
    runs = runs_of(larger, {"random": OWN["random"]})
    execute(runs, tmp_path)
    before = (tmp_path / runs[0].path).read_bytes()

    again = runs_of(smaller, {"random": OWN["random"]})

    assert execute(again, tmp_path) == {}
    assert is_done(again[0], tmp_path)
    partial_path(tmp_path / runs[0].path).write_bytes(before)
    (tmp_path / runs[0].path).unlink()
    (report,) = execute_group(again, settings_of(tmp_path))
    assert report.state == "refused"
    assert "recorded with a larger budget: budget." in report.problem
    assert partial_path(tmp_path / runs[0].path).read_bytes() == before


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_kill_while_a_run_goes_on_loses_nothing(tmp_path, count):
    """The complete ledger stays as it was, and what was recorded beyond it is kept."""
    algorithms = {name: OWN[name] for name in ("random", "local", "hyperband")}
    small, large = (runs_of({"trials": trials}, algorithms, clock="measured") for trials in (3, 12))
    for run, longer in zip(small, large, strict=True):
        kill_after(run, tmp_path, 99)
        complete = tmp_path / run.path
        before = complete.read_bytes()

        kill_after(longer, tmp_path, count)

        assert complete.read_bytes() == before
        assert not is_done(longer, tmp_path)
        assert is_done(run, tmp_path)
        acknowledged = read_ledger(partial_path(complete)).records[1:]
        assert acknowledged[: len(before.splitlines()) - 2] == read_ledger(complete).records[1:-1]
        assert len(acknowledged) == len(before.splitlines()) - 2 + count
        kill_after(longer, tmp_path, 99)
        assert read_ledger(complete).records[1 : 1 + len(acknowledged)] == acknowledged
        assert not partial_path(complete).exists()


def test_on_the_measured_clock_only_seconds_differ(tmp_path):
    """With one worker no proposal depends on them."""
    algorithms = {name: OWN[name] for name in ("random", "local", "halving")}
    for budget in ({"trials": 3}, {"trials": 9}):
        runs = runs_of(budget, algorithms, clock="measured")
        execute(runs, tmp_path / "extended")
    execute(runs, tmp_path / "fresh")

    assert contents(runs, tmp_path / "extended", TIMES) == contents(runs, tmp_path / "fresh", TIMES)


def test_an_exhausted_run_stays_without_being_replayed(tmp_path, monkeypatch):
    """More budget changes nothing where the algorithm has nothing left; only the header names it."""
    grid = {"grid": {"searcher": {"name": "grid", "levels": 3}}}
    (run,) = runs_of({"trials": 30}, grid)
    execute([run], tmp_path)
    before = content(tmp_path / run.path)
    assert before[-1]["reason"] == "exhausted"
    (longer,) = runs_of({"trials": 60}, grid)
    monkeypatch.setattr(batchers.RunExecution, "_tune", None)

    assert execute([longer], tmp_path) == {longer.path: "done"}

    assert content(tmp_path / run.path) == [{**before[0], "run": longer.identity()}, *before[1:]]


def test_an_algorithm_that_has_changed_does_not_cost_the_complete_run(tmp_path):
    """Its replay fails; the run of the smaller budget is still there, and done."""
    (run,) = runs_of({"trials": 3}, {"random": OWN["random"]})
    execute([run], tmp_path)
    complete = tmp_path / run.path
    data = complete.read_bytes()
    forged, crc = b"", 0
    for record in read_ledger(complete).records:
        changed = {**record, "config": {"x": 39}} if record.get("index") == 2 else record
        line, crc = encode_record(changed, crc)
        forged += line
    complete.write_bytes(forged)
    (longer,) = runs_of({"trials": 5}, {"random": OWN["random"]})

    assert execute([longer], tmp_path) == {run.path: "failed"}

    assert data != forged == complete.read_bytes()
    assert failed_path(complete).exists()
    assert is_done(run, tmp_path)
    assert not is_done(longer, tmp_path)


def test_a_failed_run_is_tried_again_with_more_budget(tmp_path):
    """It begins with what it had, as it does with the same budget."""
    raising = {"own": {"searcher": f"{__name__}:RaisesAtFour"}}
    for trials in (6, 9):
        (run,) = runs_of({"trials": trials}, raising)
        assert execute([run], tmp_path) == {run.path: "failed"}
        header, *records = read_ledger(failed_path(tmp_path / run.path)).records
        assert header["run"] == run.identity()
        assert [one["kind"] for one in records if one["kind"] != "failure"] == ["evaluation"] * 3


class RaisesAtFour:
    """A searcher that gives up."""

    def __init__(self, config_space, rng):
        self.config_space, self.rng, self.count = config_space, rng, 0

    def sample_configuration(self):
        self.count += 1
        if self.count == 4:
            raise RuntimeError("no fourth")
        return self.config_space.sample(self.rng)

    def update(self, config, error, additional_info=None):
        """Learns nothing."""


@pytest.mark.slow
@pytest.mark.parametrize("searcher", ["evolution", "kde", "gp"])
def test_no_searcher_of_ours_plans_by_the_budget(tmp_path, searcher):
    """Each goes on to the ledger of a fresh run."""
    compare_with_fresh(tmp_path, {"own": {"searcher": searcher}}, LARGER["trials"][::2])


@pytest.mark.libraries
@pytest.mark.parametrize(
    "searcher",
    [name for name, entry in sorted(searchers_of_libraries.items()) if "one" in entry.tasks and name != "external"],
)
def test_no_searcher_of_a_library_plans_by_the_budget(tmp_path, searcher):
    """Likewise those of the libraries that take one metric, which are not told of it."""
    compare_with_fresh(tmp_path, {"own": {"searcher": searcher}}, LARGER["trials"][::2])


@pytest.mark.libraries
@pytest.mark.parametrize("scheduler", sorted({*schedulers_of_libraries} - {"external"}))
def test_no_scheduler_of_a_library_plans_by_the_budget(tmp_path, scheduler):
    """Likewise its schedulers."""
    searcher = {"searcher": "random"} if scheduler in ("optuna", "ray_tune") else {}
    compare_with_fresh(tmp_path, {"own": {"scheduler": scheduler, **searcher}}, LARGER["evaluations"][1:])


def compare_with_fresh(folder, algorithms, budgets):
    """Execute the runs under each of the budgets, and others under the last one from the start."""
    for budget in budgets:
        runs = runs_of(budget, algorithms, raising=None, diverging=None)
        assert set(execute(runs, folder / "extended").values()) == {"done"}
    execute(runs, folder / "fresh")
    assert contents(runs, folder / "extended") == contents(runs, folder / "fresh")
