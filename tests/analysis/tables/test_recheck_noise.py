"""The recheck's tables on suites that have run: planted noise is found again, and so is optimism."""

import math

import numpy as np
import pytest

from analysis.loading.recheck import FILE
from analysis.loading.results import load
from analysis.tables.recheck import NOISE, OPTIMISM, RECHECK, noise_table, optimism_table, recheck_table

pytestmark = pytest.mark.slow  # A suite of a thousand trainings is rechecked with ten seeds.


NOISY = """
seed = 5
repetitions = {repetitions}
clock = "modelled"
calibration = "epyc"
n_workers = {workers}
budget.{budget}
objectives.branin = {{ noise = 3.0, epochs = 4 }}
objectives.hartmann6 = {{ noise = 0.2, epochs = 4 }}
algorithms.random.searcher = "random"
algorithms.halving = {{ scheduler = {{ name = "successive_halving", eta = 2, prefact = 1 }}, searcher = "random" }}
"""
NOISE_OF = {"branin": 3.0, "hartmann6": 0.2}


def ran(folder, fresh, repetitions, budget="epochs = 40", workers=1):
    """Run a suite of noisy functions and recheck it; its results and folder."""
    from benchmark.cli.main import main

    path = folder / "noisy.toml"
    path.write_text(NOISY.format(repetitions=repetitions, budget=budget, workers=workers))
    where = [str(path), "--results", str(folder), "--jobs", "1", "--device", "cpu", "--quiet"]
    assert main(["run", *where]) == 0
    assert main(["recheck", *where, "--fresh", str(fresh)]) == 0
    return load(folder / "noisy"), folder / "noisy"


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """Results of a noisy suite with a recheck of ten seeds, and their folder."""
    return ran(tmp_path_factory.mktemp("noisy"), fresh=10, repetitions=25)


def test_the_planted_noise_is_the_noise_floor(noisy):
    """Pooled over configurations, fresh validation errors have the planted sd; test errors have no noise at all."""
    table = noise_table(*noisy).set_index("objective")

    assert tuple(table.reset_index().columns) == NOISE
    for label, sd in NOISE_OF.items():
        row = table.loc[label]
        assert row["n_trainings"] == 10 * row["n_configs"]
        assert row["df"] == 9 * row["n_configs"]
        assert abs(row["valid_sd"] / sd - 1) < 4 / math.sqrt(2 * row["df"])
        assert row["test_sd"] == 0.0


def test_what_was_selected_looked_better_than_it_is(noisy):
    """The least of many noisy errors is optimistic; a test error without noise is not, to the bit."""
    results, folder = noisy

    table = optimism_table(results, recheck_table(results, folder)).set_index(["objective", "algorithm"])

    assert tuple(table.reset_index().columns) == OPTIMISM
    assert (table[["n", "n_runs"]] == 25).all(axis=None)
    assert (table["valid_optimism_hi"] < 0).all()
    assert (table["valid_optimism"].loc["hartmann6"].abs() < 3 * 0.2).all()
    difference = table["selected_valid_mean"] - table["fresh_valid_mean"]
    assert np.allclose(difference, table["valid_optimism"])
    zeros = table[["test_optimism", "test_optimism_lo", "test_optimism_hi"]].to_numpy()
    assert np.array_equal(zeros, np.zeros((4, 3)))


def test_every_run_is_found_again(noisy):
    """A row a run, the fresh test error of a function is the selected one, and means are over all seeds."""
    results, folder = noisy

    table = recheck_table(results, folder)

    assert tuple(table.columns) == RECHECK
    assert len(table) == 100
    assert (table["k"] == 10).all()
    assert (table["n_crashed"] == 0).all()
    full = table[table["epochs"] == 4]  # Before, the function stands above its value, in both alike.
    assert len(full) > 50
    assert (full["fresh_test_mean"] == full["selected_test_error"]).all()
    assert (table["fresh_test_std"] == 0.0).all()
    assert table["fresh_valid_std"].between(0.02, 8).all()


def test_the_rule_is_the_benchmarks(tmp_path):
    """With parallel workers and a budget in seconds, both sides find the same incumbents in every run."""
    results, folder = ran(tmp_path, fresh=1, repetitions=10, budget="runtime = 13.5", workers=3)

    table = recheck_table(results, folder)

    assert not results.evaluations["counted"].all(), "some evaluations end too late"
    assert len(table) == 40
    assert (table["k"] == 1).all()


def test_the_history_of_a_recheck_is_not_in_its_tables(tmp_path):
    """Grown in seeds and runs, a recheck gives the bytes of one made at once."""
    (tmp_path / "grown").mkdir()
    (tmp_path / "once").mkdir()
    ran(tmp_path / "grown", fresh=2, repetitions=3)
    grown = ran(tmp_path / "grown", fresh=4, repetitions=7)
    once = ran(tmp_path / "once", fresh=4, repetitions=7)
    assert (grown[1] / "recheck" / FILE).read_bytes() != (once[1] / "recheck" / FILE).read_bytes()

    for make in (recheck_table, noise_table):
        assert make(*grown).to_csv(index=False) == make(*once).to_csv(index=False)
