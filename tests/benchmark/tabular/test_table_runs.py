"""Suites on tables: runs look trials up as training would give them, whatever proposes them."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from benchmark.cli.main import main
from benchmark.storage.ledger_format import evaluations_of, read_ledger
from benchmark.tables.table_file import write_table
from objectives.metric import Metric
from tests import ROOT
from tests.benchmark.tables_of_tests import new_table, pool

MEASURED = ("paid_seconds", "decide_seconds", "crc")
SUITE = """
seed = 3
repetitions = 4
clock = "tabulated"
budget.trials = 10
objectives.grid.table = "grid.npz"
objectives.pool.table = "pool.npz"
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
algorithms.asha = { scheduler = "asha", searcher = "random", n_workers = 2 }
"""
OFF = """
class Off:
    def __init__(self, config_space, rng):
        self.rng, self.told = rng, []
    def sample_configuration(self):
        return {"rate": 0.02 + 0.01 * self.rng.random(), "kind": "b", "width": 4}
    def update(self, config, error, additional_info=None):
        assert 0.02 <= config["rate"] <= 0.03 and config["width"] == 4, config
"""

AGAIN = """
class Again:
    def __init__(self, config_space, rng):
        self.config = config_space.sample(rng)
    def sample_configuration(self):
        return dict(self.config)
    def update(self, config, error, additional_info=None):
        pass
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of a suite and its two tables."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "grid.npz", new_table())
    write_table(tmp_path / "pool.npz", pool(seeds=2))
    (tmp_path / "suite.toml").write_text(SUITE)
    return tmp_path


def run(*options, results="results"):
    """Run the suite in this process; its exit code."""
    return main(["run", "suite.toml", "--results", results, "--quiet", "--jobs", "1", *options])


def records(folder, results="results"):
    """All evaluations by ledger, without what is measured."""
    return {
        str(path.relative_to(folder / results)): [
            {name: value for name, value in record.items() if name not in MEASURED}
            for record in evaluations_of(read_ledger(path).records)
        ]
        for path in sorted((folder / results).glob("suite/runs/*/*/*.jsonl"))
    }


def test_every_record_is_a_cell_of_the_table(folder):
    """Repetition r meets the seed r modulo their number, the header says which, and only added epochs are charged."""
    assert run() == 0
    tables = {"grid": write_table(folder / "g.npz", new_table()), "pool": write_table(folder / "p.npz", pool(seeds=2))}
    found = records(folder)
    assert len(found) == 24
    for name, evaluations in found.items():
        label, repetition = name.split("/")[2], int(name[-9:-6])
        table = tables[label]
        seed = repetition % len(table.seeds)
        header = read_ledger(folder / "results" / name).records[0]
        assert header["data"] == {"table": table.digest, "seed": f"s{seed}"}
        for record in evaluations:
            cell = table.members.row(record["config"]), seed, slice(record["start_epoch"], record["epochs"])
            assert record["valid_curve"] == table.values["loss"][cell].tolist()
            assert record["valid_metrics"]["accuracy"] == table.values["accuracy"][cell].tolist()
            assert record["end"] - record["start"] == pytest.approx(table.seconds[cell].sum())
    assert any(record["start_epoch"] for evaluations in found.values() for record in evaluations)
    entries = {
        entry["label"]: entry for entry in json.loads((folder / "results/suite/suite.json").read_bytes())["objectives"]
    }
    assert (entries["grid"]["origin"]["seeds"], entries["pool"]["origin"]["seeds"]) == (3, 2)
    assert entries["grid"]["metrics"][0]["typical"] == 0.6


@pytest.mark.slow
def test_an_audit_finds_the_same_trials(folder, capsys):
    """Trained one epoch after the other by the objective itself, the trials are those that were looked up."""
    assert run() == 0
    assert main(["audit", "suite.toml", "--results", "results", "--jobs", "1", "--sample", "100%"]) == 0
    assert "0 different" in capsys.readouterr().out


def test_a_killed_run_is_looked_up_again(folder):
    """An empty unfinished ledger and a missing one give the same records as a whole call."""
    assert run() == 0
    whole = records(folder)
    first, second, *_ = sorted((folder / "results").glob("suite/runs/*/*/*.jsonl"))
    first.unlink()
    second.unlink()
    first.with_name(first.name + ".part").touch()
    assert run() == 0
    assert records(folder) == whole


@pytest.mark.slow
def test_two_processes_give_the_same_records(folder):
    """The number of processes changes nothing but measured seconds."""
    assert run() == 0
    assert main(["run", "suite.toml", "--results", "two", "--quiet", "--jobs", "2"]) == 0
    assert records(folder, "two") == records(folder)


def test_proposals_off_the_grid_are_mapped_and_the_searcher_keeps_its_own(folder):
    """0.02 to 0.03 lies nearer to 0.01 by ratio, 4 nearer to 3 than to 8; updates hold what was proposed."""
    (folder / "off_of_tests.py").write_text(OFF)
    (folder / "suite.toml").write_text(
        SUITE.split("objectives.pool")[0] + 'algorithms.off.searcher = "off_of_tests:Off"\n'
    )
    assert run() == 0
    configs = [record["config"] for evaluations in records(folder).values() for record in evaluations]
    assert len(configs) == 40
    assert all(config == {"rate": 0.01, "kind": "b", "width": 3} for config in configs)


def test_a_diverged_configuration_proposed_again_and_again_spends_the_budget(folder):
    """It pays for an epoch every time, so that the run ends."""
    early = {"reached": np.full((30, 2), 2), "diverged": np.ones((30, 2), np.bool_)}
    write_table(folder / "pool.npz", pool(seeds=2, **early))
    (folder / "again_of_tests.py").write_text(AGAIN)
    (folder / "suite.toml").write_text(
        'clock = "tabulated"\nbudget.runtime = 50\nobjectives.pool.table = "pool.npz"\n'
        'algorithms.again.searcher = "again_of_tests:Again"\n'
    )
    assert run() == 1  # No evaluation has a result.

    (evaluations,) = records(folder).values()
    assert len(evaluations) > 1
    assert {record["state"] for record in evaluations} == {"diverged"}
    assert all(record["end"] > record["start"] for record in evaluations)


def test_a_diverged_training_without_a_chance_value_has_failed(folder):
    """It is charged all the same; with one it is worth that."""
    for name, chance, states in (("grid", 2.0, {"diverged"}), ("pool", None, {"error"})):
        make = new_table if name == "grid" else pool
        new = make(metrics=(Metric("loss", best=0.0, chance=chance),), seeds=2)
        new.diverged[:], new.values["loss"][..., -1] = True, np.nan
        write_table(folder / f"{name}.npz", new)
        assert run("--set", f"objectives={{{name} = {{table = '{name}.npz'}}}}", results=name) in (0, 1)
        found = [record for evaluations in records(folder, name).values() for record in evaluations]
        whole = [record for record in found if record["asked_epochs"] == 4]
        assert {record["state"] for record in whole} == states
        assert all(record["end"] > record["start"] for record in whole)
        assert {record["valid_error"] for record in whole} == {chance}


REFUSED = {
    "no such table": ("objectives.grid.table = 'gird.npz'", "there is no file"),
    "no such name": ("objectives.grid.table = 'fcnet:slice'", "offline-tables make"),
    "no name": ("objectives.grid.table = 'slice'", 'need "family:name"'),
    "a number": ("objectives.grid.table = 3", "objectives.grid.table = 3"),
    "measured": ("clock = 'measured'", 'say clock = "tabulated"'),
    "a name besides": ("objectives.grid.name = 'branin'", "a name and a table"),
    "a function besides": ("objectives.grid.function = 'math:sin'", "a function and a table"),
    "discretised": ("objectives.grid.discretise = 3", "objectives.grid.discretise"),
    "an option": ("objectives.grid.epochs = 3", "objectives.grid.epochs: unknown key"),
    "a test": ("objectives.grid.test = 'others'", 'did you mean "other_seeds"?'),
    "a test that it has not": ("objectives.grid.test = 'test'", "it has no test values"),
    "a metric": ("objectives.grid.metrics = ['loss', 'speed']", "'speed': there are loss, accuracy, size"),
    "trainings of nothing": ("budget.trainings = 0", "budget.trainings = 0: need a number"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_written(folder, monkeypatch, capsys, case):
    """One message with the field and what to do, exit code 2."""
    monkeypatch.setenv("INCUMBENT_TABLES", str(folder / "none"))
    change, told = REFUSED[case]
    assert run("--set", change) == 2
    assert told in capsys.readouterr().err
    assert not (folder / "results").exists()


def test_a_budget_of_trainings_ends_after_typical_seconds(folder):
    """2.5 typical trainings, or ten trials where those come first; suite.json says what one takes."""
    assert run("--set", "budget.trainings = 2.5") == 0
    entries = json.loads((folder / "results/suite/suite.json").read_bytes())["objectives"]
    for entry in entries:
        typical = np.median((new_table() if entry["label"] == "grid" else pool(seeds=2)).seconds.sum(axis=2))
        assert entry["typical_seconds"] == typical
        for path in (folder / "results/suite/runs" / entry["label"]).glob("random/*.jsonl"):
            ends = [record["end"] for record in evaluations_of(read_ledger(path).records)]
            assert all(end < 2.5 * typical for end in ends[:-1])
            assert ends[-1] >= 2.5 * typical or len(ends) == 10


def test_a_budget_of_trainings_needs_to_know_one(folder, capsys):
    """An objective that does not declare its typical seconds is refused with the remedy."""
    changes = ("budget.trainings = 2", "objectives = {softmax = {}}", "clock = 'modelled'", "calibration = 'epyc'")
    assert run(*(word for change in changes for word in ("--set", change))) == 2
    assert "objectives.softmax does not declare how long a typical training takes" in capsys.readouterr().err


WITHOUT_TORCH = """
import sys
from benchmark.cli.main import main
code = main(["run", "suite.toml", "--results", "alone", "--quiet", "--jobs", "1"])
sys.exit(code or ("torch was imported" if "torch" in sys.modules else 0))
"""


@pytest.mark.slow
def test_a_suite_of_tables_needs_no_torch(folder):
    """Nothing is trained, so what trains is not imported, which takes longer than the runs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
