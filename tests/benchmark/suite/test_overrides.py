"""Settings of the command line that override fields of a suite."""

from dataclasses import asdict

import pytest

from benchmark.suite.model import Budget
from benchmark.suite.parsing import load
from benchmark.tuning.factory import check_suite

TOML = """
seed = 5
repetitions = 2
budget.trials = 4
[objectives.branin]
noise = 1.0
[algorithms.local]
searcher = "local"
[algorithms.halving]
scheduler = "successive_halving"
searcher = { name = "local", num_init_random = 3 }
"""


def options_of(suite, label, part="searcher"):
    """Name and options of an algorithm's part."""
    algorithm = next(entry for entry in suite.algorithms if entry.label == label)
    return asdict(getattr(algorithm, part))


@pytest.fixture
def overridden(tmp_path):
    """A function that loads a small suite with settings of the command line."""
    path = tmp_path / "small.toml"
    path.write_text(TOML)
    return lambda *settings: load(str(path), list(settings))


@pytest.mark.parametrize(
    ("setting", "field", "expected"),
    [
        ("seed=7", "seed", 7),
        (" seed = 7 ", "seed", 7),
        ("repetitions=1_000", "repetitions", 1000),
        ("repetitions=0x10", "repetitions", 16),
        ("title=Any text at all", "title", "Any text at all"),
        ('title="7"', "title", "7"),
        ("title=a=b", "title", "a=b"),
        ("resume=false", "resume", False),
        ("n_workers=3 # workers", "n_workers", 3),
        ("device=cpu", "device", "cpu"),
        ("budget={epochs=3}", "budget", Budget(epochs=3)),
        ("budget.trials=9", "budget", Budget(trials=9)),
        ("budget.runtime=2.5", "budget", Budget(trials=4, runtime=2.5)),
    ],
)
def test_a_setting_overrides_a_field(overridden, setting, field, expected):
    """Values are TOML where they can be, texts otherwise."""
    assert getattr(overridden(setting), field) == expected


def test_settings_reach_into_the_short_form(overridden):
    """`searcher = "local"` is short for a table, and options can be set in it."""
    suite = overridden("algorithms.local.searcher.probab_local=0.9", "algorithms.local.searcher.num_init_random=2")

    assert options_of(suite, "local") == {"name": "local", "options": {"probab_local": 0.9, "num_init_random": 2}}
    check_suite(suite)
    halving = overridden("algorithms.halving.scheduler.eta=3")
    assert options_of(halving, "halving", "scheduler") == {"name": "successive_halving", "options": {"eta": 3}}


def test_settings_reach_into_tables(overridden):
    """Options of nested tables are replaced, their neighbours kept."""
    suite = overridden("algorithms.halving.searcher.num_init_random=9", "objectives.branin.epochs=3")

    assert options_of(suite, "halving") == {"name": "local", "options": {"num_init_random": 9}}
    assert dict(suite.objectives[0].part.options) == {"noise": 1.0, "epochs": 3}


def test_settings_reach_what_is_no_option(overridden):
    """Workers of an algorithm and the grid of an objective are keys beside names and options."""
    suite = overridden("algorithms.local.n_workers=4", "objectives.branin.discretise=5")

    assert [entry.n_workers for entry in suite.algorithms] == [4, None]
    assert {run.algorithm.label: run.n_workers for run in suite.runs()} == {"local": 4, "halving": 1}
    assert suite.objectives[0].discretise == 5
    check_suite(suite)


def test_settings_add_objectives_and_algorithms(overridden):
    """A new label makes a new entry; a setting replaces a whole part."""
    suite = overridden(
        "objectives.hartmann6.noise=0.1", "algorithms.grid.searcher=grid", "algorithms.local.searcher=random"
    )

    assert [entry.label for entry in suite.objectives] == ["branin", "hartmann6"]
    assert [entry.label for entry in suite.algorithms] == ["local", "halving", "grid"]
    assert options_of(suite, "local") == {"name": "random", "options": {}}
    check_suite(suite)


def test_later_settings_win(overridden):
    """Settings apply from left to right."""
    assert overridden("seed=1", "seed=2").seed == 2


def test_settings_do_not_change_the_file(overridden, tmp_path):
    """Overriding is for this command only."""
    overridden("seed=9", "algorithms.local.searcher.probab_local=0.9")

    assert (tmp_path / "small.toml").read_text() == TOML
    assert overridden().seed == 5
