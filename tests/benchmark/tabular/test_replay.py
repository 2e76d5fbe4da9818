"""Harvest and replay: an offline table gives what training gives, or nothing."""

import json
import shutil

import numpy as np
import pytest

from benchmark.cli.main import main
from benchmark.errors import BadInput
from benchmark.storage.ledger_format import read_ledger
from benchmark.tables.table_file import load_table
from objectives import OBJECTIVES
from tests.benchmark.evaluations import evaluations
from tests.benchmark.fakes.stacked_toy import invented_calibration
from tests.benchmark.records import rewrite

OBJECTIVES_TOML = """
seed = {seed}
repetitions = {repetitions}
clock = "modelled"
calibration = "one.toml"
objectives.softmax = {{ epochs = 3, discretise = 6 }}
objectives.branin = {{ noise = 1.0, epochs = 3, discretise = 4 }}
"""
GRID = """
budget.trials = 100
algorithms.grid.searcher = { name = "grid", levels = 100 }
"""
CRASHED = """
seed = 7
repetitions = 1
budget.trials = 3
objectives.odd = { name = "tests.benchmark.fakes.unusable_parts:Odd" }
algorithms.random.searcher = "random"
"""
OTHERS = """
budget.trials = 12
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
algorithms.halving = { scheduler = "successive_halving", searcher = "random", n_workers = 3 }
"""


def written(folder, name, text, seed=7, repetitions=2):
    """A suite's file beside a calibration of invented numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.toml").write_text(invented_calibration({"softmax": OBJECTIVES["softmax"](epochs=1)}).to_toml())
    path = folder / f"{name}.toml"
    path.write_text(OBJECTIVES_TOML.format(seed=seed, repetitions=repetitions) + text)
    return path


def command(verb, path, results, *options):
    """Run a command on a suite's file, in this process unless the options say otherwise; its exit code."""
    jobs = () if verb == "harvest" or "--jobs" in options else ("--jobs", "1")
    return main([verb, str(path), "--results", str(results), *jobs, *options])


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A folder of tables: both objectives on their whole grids, two repetitions."""
    folder = tmp_path_factory.mktemp("tables")
    suite = written(folder, "grid", GRID)
    assert command("run", suite, folder, "--quiet") == 0
    assert command("harvest", suite, folder) == 0
    return folder / "grid" / "offline"


def test_a_table_holds_the_whole_grid(tables):
    """Six learning rates and sixteen points of Branin, each in both repetitions to the last epoch."""
    softmax, branin = load_table(tables / "softmax.npz"), load_table(tables / "branin.npz")
    assert softmax.members.size == 6
    assert branin.members.size == 16
    for table in (softmax, branin):
        assert table.repetitions.tolist() == [0, 1]
        assert (table.reached == 3).all()
        configs = [table.members.member(row) for row in range(table.members.size)]
        assert len({tuple(config.items()) for config in configs}) == len(configs)


def test_replayed_runs_are_those_that_train(tables, tmp_path):
    """Errors, promotions, prices, starts and ends of replayed runs equal those of a run that trains."""
    suite = written(tmp_path, "others", OTHERS)
    assert command("replay", suite, tmp_path / "replayed", "--tables", str(tables), "--quiet") == 0
    assert command("run", suite, tmp_path / "run", "--quiet") == 0
    replayed, trained = evaluations(tmp_path / "replayed/others"), evaluations(tmp_path / "run/others")
    assert len(replayed) == 12
    assert replayed == trained
    assert any(record["start_epoch"] for records in replayed.values() for record in records)


@pytest.mark.slow
def test_several_processes_replay_the_same(tables, tmp_path):
    """The number of processes changes no byte but those measured."""
    suite = written(tmp_path, "others", OTHERS)
    for jobs in ("1", "2"):
        assert command("replay", suite, tmp_path / jobs, "--tables", str(tables), "--quiet", "--jobs", jobs) == 0
    assert evaluations(tmp_path / "1/others") == evaluations(tmp_path / "2/others")


def test_the_same_ledgers_give_the_same_table(tables, tmp_path):
    """Harvested twice, a table has the same bytes."""
    suite = written(tmp_path, "grid", GRID)
    shutil.copytree(tables.parent, tmp_path / "grid")
    assert command("harvest", suite, tmp_path, "--out", str(tmp_path / "again")) == 0
    for name in ("softmax.npz", "branin.npz"):
        assert (tmp_path / "again" / name).read_bytes() == (tables / name).read_bytes()


def test_a_miss_is_refused(tables, tmp_path, capsys):
    """A configuration that the table does not hold ends its run with a message, and no record is made up."""
    suite = written(tmp_path, "others", OTHERS)
    settings = ["--set", "objectives.softmax.discretise=7", "--quiet"]
    assert command("replay", suite, tmp_path / "replayed", "--tables", str(tables), *settings) == 1
    assert "which the table does not hold" in capsys.readouterr().err
    assert not list(tmp_path.glob("replayed/others/runs/softmax/*/*.jsonl"))
    assert len(list(tmp_path.glob("replayed/others/runs/branin/*/*.jsonl"))) == 6


@pytest.mark.slow
def test_a_miss_may_be_trained(tables, tmp_path):
    """With --miss train what the table lacks is trained, and the runs equal those that train everything."""
    suite = written(tmp_path, "others", OTHERS, repetitions=3)
    options = ["--set", "objectives.softmax.discretise=7", "--quiet"]
    table = ["--tables", str(tables), "--miss", "train"]
    assert command("replay", suite, tmp_path / "replayed", *table, *options) == 0
    assert command("run", suite, tmp_path / "run", *options) == 0
    assert evaluations(tmp_path / "replayed/others") == evaluations(tmp_path / "run/others")


def test_repetitions_are_used_again_only_when_asked(tables, tmp_path, capsys):
    """Five repetitions on a table of two: refused, or with --recycle the noise of repetition r is that of r mod 2."""
    suite = written(tmp_path, "others", OTHERS, repetitions=5)
    assert command("replay", suite, tmp_path / "refused", "--tables", str(tables), "--quiet") == 1
    assert "--recycle" in capsys.readouterr().err
    assert command("replay", suite, tmp_path / "used", "--tables", str(tables), "--quiet", "--recycle") == 0
    table = load_table(tables / "softmax.npz")
    records = read_ledger(tmp_path / "used/others/runs/softmax/random/003.jsonl").records
    assert len(records) == 14
    for record in records[1:-1]:
        row = table.members.row(record["config"])
        assert record["valid_curve"] == table.valid[row, 1].tolist()


@pytest.mark.parametrize(
    ("change", "expected_text"),
    [
        ("seed=8", "suite_seed was 7 and is now 8"),
        ("objectives.softmax.epochs=2", "objective.options.epochs was 3 and is now 2"),
    ],
)
def test_tables_of_other_trials_are_refused(tables, tmp_path, capsys, change, expected_text):
    """Another seed or other options mean other trials: exit code 2, nothing written."""
    suite = written(tmp_path, "others", OTHERS)
    assert command("replay", suite, tmp_path / "out", "--tables", str(tables), "--set", change, "--quiet") == 2
    assert expected_text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bad_tables_are_refused(tables, tmp_path, capsys):
    """Junk, a missing array, a wrong shape, a NaN, a file that is not there: one message each, exit code 2."""
    suite = written(tmp_path, "others", OTHERS)
    whole = dict(np.load(tables / "softmax.npz"))
    spoilt = {
        "junk": None,
        "missing": {name: whole[name] for name in whole if name != "reached"},
        "shape": {**whole, "test_values": whole["test_values"][:, :2]},
        "nan": {**whole, "values": whole["values"] * np.nan},
        "beyond": {**whole, "reached": whole["reached"] + 1},
        "format": {**whole, "header": np.frombuffer(b'{"format":9}', np.uint8)},
    }
    for name, arrays in spoilt.items():
        folder = tmp_path / name
        shutil.copytree(tables, folder)
        if arrays is None:
            (folder / "softmax.npz").write_bytes(b"junk")
        else:
            np.savez(folder / "softmax.npz", **arrays)
        assert command("replay", suite, tmp_path / "out", "--tables", str(folder), "--quiet") == 2, name
        assert len(capsys.readouterr().err.splitlines()) == 1
    (tmp_path / "empty").mkdir()
    assert command("replay", suite, tmp_path / "out", "--tables", str(tmp_path / "empty"), "--quiet") == 2
    assert "harvest" in capsys.readouterr().err
    assert command("replay", suite, tmp_path / "out", "--tables", str(tmp_path / "nowhere"), "--quiet") == 2
    assert command("replay", suite, tmp_path / "out", "--tables", str(tables), "--miss", "interpolate") == 2
    assert not (tmp_path / "out").exists()


def test_no_pickle_is_read(tables, tmp_path):
    """A table with an array of objects is refused without unpickling it."""
    arrays = dict(np.load(tables / "softmax.npz"))
    np.savez(tmp_path / "softmax.npz", **{**arrays, "values": np.array([{"a": 1}], dtype=object)}, allow_pickle=True)
    with pytest.raises(BadInput, match="not a table"):
        load_table(tmp_path / "softmax.npz")


def test_nothing_to_harvest_is_refused(tmp_path, capsys):
    """A suite that was not run has no table: exit code 2, no folder made."""
    suite = written(tmp_path, "grid", GRID)
    assert command("harvest", suite, tmp_path / "results") == 2
    assert "run the suite first" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_trials_that_were_never_trained_make_no_table(tmp_path, capsys):
    """Every trial ended before its first epoch: there is a ledger, and no curve to look up."""
    suite = tmp_path / "crashed.toml"
    suite.write_text(CRASHED)
    assert command("run", suite, tmp_path, "--quiet") == 1
    capsys.readouterr()
    assert command("harvest", suite, tmp_path) == 2
    assert capsys.readouterr().err == "error: odd: no trial of it was trained; nothing to harvest\n"
    assert not (tmp_path / "crashed" / "offline").exists()


def test_trials_of_two_machines_make_no_table(tables, tmp_path, capsys):
    """Ledgers recorded with another torch are not put into one table."""
    suite = written(tmp_path, "grid", GRID)
    shutil.copytree(tables.parent, tmp_path / "grid")
    path = tmp_path / "grid/runs/softmax/grid/001.jsonl"
    rewrite(path, lambda records: records[0]["environment"].update(torch="1.0"))
    assert command("harvest", suite, tmp_path, "--out", str(tmp_path / "mixed")) == 2
    assert "torch" in capsys.readouterr().err
    assert not (tmp_path / "mixed").exists()


def test_a_table_says_what_it_depends_on(tables):
    """Objective, options, seed, data and environment are in the table, and it holds no other arrays."""
    with np.load(tables / "softmax.npz") as file:
        assert set(file) == {"header", "values", "test_values", "seconds", "reached", "diverged"}
        header = json.loads(file["header"].tobytes())["harvest"]
    assert header["suite_seed"] == 7
    assert header["objective"]["part"] == {"name": "softmax", "options": {"epochs": 3}}
    assert header["objective"]["discretise"] == 6
    assert header["data"]
    assert header["environment"]["torch"]
