"""Code written against the book runs here unchanged but for its import."""

import numpy as np
import pytest
from scipy import stats

from benchmark import book as d2l
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.closed_form.functions import Branin
from objectives.objective import Machine
from tests.benchmark.fakes.book_reader import LocalSearcher, RandomSearcher, SuccessiveHalvingScheduler

SPACE = {"learning_rate": stats.loguniform(1e-2, 1), "batch_size": stats.randint(32, 256)}
FIRST = {"learning_rate": 0.1, "batch_size": 128}

SUITE = """
seed = 5
repetitions = 2
budget.evaluations = 12
objectives.branin = { noise = 1.0, epochs = 4 }
algorithms.reader_random.searcher = "tests.benchmark.fakes.book_reader:RandomSearcher"
[algorithms.reader_local.searcher]
name = "tests.benchmark.fakes.book_reader:LocalSearcher"
num_init_random = 3
probab_local = 0.7
[algorithms.reader_halving]
searcher = "tests.benchmark.fakes.book_reader:RandomSearcher"
scheduler = { name = "tests.benchmark.fakes.book_reader:SuccessiveHalvingScheduler", eta = 2, r_min = 1, r_max = 4 }
"""


def bowl(learning_rate, batch_size, max_epochs=4):
    """A callable objective in the book's calling convention, with a numpy result as torch gives one."""
    return np.float32((np.log10(learning_rate) + 1) ** 2 + abs(batch_size - 100) / 100 + 1 / max_epochs)


@pytest.mark.usefixtures("_own_global_state")
@pytest.mark.parametrize(
    "searcher",
    [lambda: RandomSearcher(SPACE, dict(FIRST)), lambda: LocalSearcher(SPACE, 5, 0.7, dict(FIRST))],
)
def test_the_books_loop_with_a_readers_searcher(searcher):
    """Incumbent, trajectory, runtime and records are kept as the book keeps them."""
    tuner = d2l.HPOTuner(scheduler=d2l.BasicScheduler(searcher=searcher()), objective=bowl)

    tuner.run(number_of_trials=15)
    tuner.run(number_of_trials=5)

    errors = [record["error"] for record in tuner.records]
    assert len(errors) == 20
    assert tuner.records[0]["config"] == FIRST
    assert tuner.incumbent_trajectory == list(np.minimum.accumulate(errors))
    assert tuner.incumbent_error == min(errors)
    assert tuner.incumbent == tuner.records[int(np.argmin(errors))]["config"]
    assert np.allclose(tuner.cumulative_runtime, np.cumsum([r["runtime"] for r in tuner.records]))
    assert tuner.current_runtime == tuner.cumulative_runtime[-1]
    assert all(type(value) in (int, float) for r in tuner.records for value in r["config"].values())


@pytest.mark.usefixtures("_own_global_state")
def test_the_books_successive_halving(capsys):
    """A reader's scheduler gets its own configurations back, fidelity included, and promotes."""
    scheduler = SuccessiveHalvingScheduler(searcher=RandomSearcher(SPACE, dict(FIRST)), eta=2, r_min=1, r_max=8)
    tuner = d2l.HPOTuner(scheduler=scheduler, objective=bowl, verbose=True)

    tuner.run(number_of_trials=15)

    asked = [record["config"]["max_epochs"] for record in tuner.records]
    assert sorted(asked) == [1] * 8 + [2] * 4 + [4] * 2 + [8]
    assert "Trial 0: config" in capsys.readouterr().out


def test_our_objectives_continue_promoted_trials_in_a_notebook():
    """With one of our objectives a promoted trial gives what training at once gives."""
    scheduler = SuccessiveHalvingScheduler(searcher=d2l.RandomSearcher(Branin().space, seed=0), eta=2, r_min=1, r_max=4)
    objective = Branin(noise=1.0, epochs=4)
    tuner = d2l.HPOTuner(scheduler, objective)
    tuner.run(7)
    full = next(record for record in tuner.records if record["config"]["max_epochs"] == 4)
    bare = {name: value for name, value in full["config"].items() if name != "max_epochs"}
    at_once = d2l.HPOTuner(d2l.BasicScheduler(Fixed(bare)), objective)

    at_once.run(1)

    assert at_once.incumbent_error == full["error"]


class Fixed:
    """A searcher that proposes one configuration."""

    def __init__(self, config):
        self.config = config

    def sample_configuration(self):
        return dict(self.config)

    def update(self, config, error, additional_info=None):
        """Learns nothing."""


def test_objectives_are_callable_as_in_the_book():
    """`objective(**config, max_epochs=...)` returns the validation error as a float."""
    error = LeNet()(learning_rate=0.3, batch_size=64, max_epochs=1)

    assert isinstance(error, float)
    assert 0 <= error <= 1
    assert SoftmaxRegression()(learning_rate=0.5) < 0.1


def test_a_searcher_must_be_given_numbers():
    """An objective that returns no number is the caller's error, not a result."""
    tuner = d2l.HPOTuner(d2l.BasicScheduler(Fixed(FIRST)), lambda **config: "good")

    with pytest.raises(ValueError, match="could not convert"):
        tuner.run(1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_readers_classes_in_a_suite_repeat_to_the_bit(tmp_path, jobs):
    """In a suite the reader's global random numbers come from the run's own streams."""
    path = tmp_path / "reader.toml"
    path.write_text(SUITE)
    suite = suites.load(str(path))
    exports = []
    for folder, processes in ((tmp_path / "a", 1), (tmp_path / "b", jobs)):
        runner = Runner(suite, folder, jobs=processes, machine=Machine(), listener=Quiet())
        assert {report.state for report in runner.run()} == {"done"}
        ledgers = sorted((folder / "reader").glob("runs/*/*/*.jsonl"))
        exports.append(
            [[(r["config"], r["epochs"], r["valid_error"]) for r in read_ledger(p).records[1:-1]] for p in ledgers]
        )

    assert exports[0] == exports[1]
    assert len(exports[0]) == 6
    assert exports[0][0] != exports[0][1]


def test_names_that_are_no_identifiers_are_arguments_with_underscores():
    """A function is called by the names with underscores; records keep the names as written."""
    space = {"optimizer.lr": stats.loguniform(1e-3, 1), "weight-decay": stats.uniform(0, 1)}
    calls = []

    def objective(optimizer_lr, weight_decay):
        calls.append((optimizer_lr, weight_decay))
        return optimizer_lr

    tuner = d2l.HPOTuner(d2l.BasicScheduler(d2l.RandomSearcher(space, seed=0)), objective)
    tuner.run(number_of_trials=3)
    assert [tuple(record["config"].values()) for record in tuner.records] == calls
    assert list(tuner.incumbent) == ["optimizer.lr", "weight-decay"]


def test_a_truth_value_is_no_error():
    """An objective that returns True is told so."""
    tuner = d2l.HPOTuner(d2l.BasicScheduler(d2l.RandomSearcher({"x": stats.uniform(0, 1)}, seed=0)), lambda x: x < 2)
    with pytest.raises(ValueError, match="the objective returned True: need a number"):
        tuner.run(number_of_trials=1)
