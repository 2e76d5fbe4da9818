"""The export finds what must not differ, says where, and is blind to what is measured only."""

import itertools
import random
import re
import shutil

import numpy as np
import pytest

from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from benchmark.tuning import trainer, trial_cache
from objectives.objective import Machine
from tests.benchmark.commands import write_suite
from tests.benchmark.export import NOT_TABLES, Export, export, ledgers
from tests.benchmark.records import edit

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.

SUITE = """
seed = 5
repetitions = 2
clock = "modelled"
calibration = "prices.toml"
budget.epochs = 9
objectives.branin = { noise = 1.0, epochs = 3 }
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = "successive_halving", searcher = "random" }
"""
LEDGER = "runs/branin/random/000.jsonl"


def run(folder, order=None):
    """Run the suite in this process, in its order or another, and give its results' folder."""
    suite = suites.load(str(write_suite(folder, SUITE) / "tiny.toml"))
    Runner(suite, folder, jobs=1, machine=Machine(), listener=Quiet()).run(order)
    return folder / "tiny"


def backwards(folder):
    """The runs of the suite in reverse."""
    return list(suites.load(str(write_suite(folder, SUITE) / "tiny.toml")).runs())[::-1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The suite's folder; nobody changes it."""
    return run(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def expected(whole):
    """Its export."""
    return export(whole)


@pytest.fixture
def copy(whole, tmp_path):
    """A copy of the folder, to be changed."""
    return shutil.copytree(whole, tmp_path / "tiny")


def test_it_holds_plan_ledgers_and_tables(whole, expected):
    """Every file of the folder is in the export, but for those that say what is measured."""
    names = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}

    assert names - set(expected.files) == {".lock", "progress.json", *(f"tables/{name}" for name in NOT_TABLES)}
    assert set(expected.files) <= names
    assert sum(name.startswith("tables/") for name in expected.files) > 10
    assert sum(name.startswith("runs/") for name in expected.files) == 4


def test_what_is_measured_is_not_in_it(expected, copy):
    """Other seconds, another date and another processor's name give the same checksum."""
    edit(copy / LEDGER, 1, train_seconds=123.0, paid_seconds=0.0, decide_seconds=4.5)
    header = read_ledger(copy / LEDGER).records[0]
    environment = {**header["environment"], "cpu": "another", "cores": 64, "system": "Linux 9", "jobs": 7}
    edit(copy / LEDGER, 0, created="2001-01-01T00:00:00+00:00", environment=environment)

    assert export(copy).difference(expected) is None
    assert export(copy).sha256 == expected.sha256


def test_one_changed_error_is_found(expected, copy):
    """The last bit of one error in one ledger, whose checksums are right."""
    error = read_ledger(copy / LEDGER).records[1]["test_error"]
    edit(copy / LEDGER, 1, test_error=float(np.nextafter(error, 1e9)))

    found = export(copy)

    assert found.sha256 != expected.sha256
    assert re.match(rf"{LEDGER}, line 2, character \d+: .*test_error.* and .*test_error", expected.difference(found))


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (0, {"data": {"digits": "0" * 64}}),
        (1, {"start": 0.5}),
        (1, {"state": "diverged"}),
        (2, {"config": {"x1": 0.0, "x2": 0.0}}),
        (1, {"modelled_seconds": 1.0}),
        (-1, {"reason": "runtime"}),
    ],
    ids=str,
)
def test_any_other_changed_field_is_found(expected, copy, number, changes):
    """Header, clock, state, configuration, price, end."""
    edit(copy / LEDGER, number % len(read_ledger(copy / LEDGER).records), **changes)

    assert ledgers(copy)[LEDGER] != expected.files[LEDGER]


@pytest.mark.slow
def test_a_missing_an_unfinished_and_a_failed_run_are_found(expected, copy):
    """A ledger less, or one that has not got its final name."""
    for ending in (".part", ".failed"):
        (copy / LEDGER).rename(copy / (LEDGER + ending))
        assert expected.difference(export(copy)) == f"{LEDGER} is only in the first"
        (copy / (LEDGER + ending)).rename(copy / LEDGER)
    (copy / LEDGER).unlink()

    assert expected.difference(export(copy)) == f"{LEDGER} is only in the first"
    assert export(copy).sha256 != expected.sha256


def test_one_changed_digit_of_any_table_is_found(expected):
    """One digit at a drawn place of each table."""
    rng = random.Random(0)
    tables = [name for name, data in expected.files.items() if name.startswith("tables/") and re.search(rb"\d", data)]
    assert len(tables) > 10
    for name in tables:
        data = expected.files[name]
        place = rng.choice([found.start() for found in re.finditer(rb"\d", data)])
        other = b"%d" % ((int(data[place : place + 1]) + 1) % 10)
        found = Export(files={**expected.files, name: data[:place] + other + data[place + 1 :]})

        assert found.sha256 != expected.sha256
        line = data[:place].count(b"\n") + 1
        assert expected.difference(found).startswith(f"{name}, line {line}, character ")


def test_a_table_that_shows_measured_seconds_is_found(monkeypatch, whole, tmp_path):
    """Two runs differ where a table is made of what the export leaves out of ledgers."""
    from analysis.tables import basic

    honest = basic.trials_table
    monkeypatch.setattr(basic, "trials_table", lambda results: honest(results).assign(spent=_spent(results)))

    difference = export(run(tmp_path)).difference(export(shutil.copytree(whole, tmp_path / "copy" / "tiny")))

    assert difference.startswith("tables/trials.csv, line 2, ")


def _spent(results):
    return results.evaluations["train_seconds"] + results.evaluations["decide_seconds"]


def test_order_and_repetition_change_nothing(expected, tmp_path):
    """Run once more, backwards: the same export."""
    assert export(run(tmp_path, backwards(tmp_path))).difference(expected) is None


def test_a_seed_that_counts_is_found(monkeypatch, tmp_path):
    """Seeds spawned in the order of calls: the suite's order and another differ, which the matrix would show."""
    folders = []
    for name, order in (("forwards", None), ("backwards", backwards(tmp_path))):
        count = itertools.count()
        spawned = lambda *_, count=count: np.random.SeedSequence(7, spawn_key=(next(count),))  # noqa: E731
        for module in (trial_cache, trainer):
            monkeypatch.setattr(module, "trial_seed", spawned)
        folders.append(run(tmp_path / name, order))

    difference = export(folders[0]).difference(export(folders[1]))

    assert difference.startswith("runs/branin/")
    assert "valid_error" in difference


def test_a_seed_that_nobody_set_is_found(monkeypatch, tmp_path):
    """Seeds of the operating system: no two runs are alike."""
    for module in (trial_cache, trainer):
        monkeypatch.setattr(module, "trial_seed", lambda *_: np.random.SeedSequence())

    assert export(run(tmp_path / "one")).sha256 != export(run(tmp_path / "two")).sha256
