"""The code cells of the book's HPO pages run as they are printed, in order, in one namespace.

The pages are no part of this project. They are looked for in the folder that INCUMBENT_PAGES names, else in `seeds`
beside the folder that INCUMBENT_DATA names; without them the test is skipped. Only the import line is changed.
Trainings and searches are shortened, to one epoch on a few images and to two trials, unless INCUMBENT_PAGES_IN_FULL is
set.
"""

import os
import re
from itertools import islice
from pathlib import Path

import pytest

from benchmark import book as d2l

CELL = re.compile(r"^```(?:python|\{\.python[^\n]*\})\n(.*?)^```", re.DOTALL | re.MULTILINE)
OTHER_TABS = ("%load_ext", "%%tab mxnet", "%%tab tensorflow")
"""Beginnings of cells that are not torch's, or belong to the book's own build."""
IMPORT = "from d2l import torch as d2l", "from benchmark import book as d2l"
IN_FULL = "INCUMBENT_PAGES_IN_FULL" in os.environ
BATCHES, TRIALS = 12, 2

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("_own_global_state", "_reduced"),
    pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning"),
]


def page(number):
    """The text of a page by the number that its name begins with."""
    data = Path(os.environ.get("INCUMBENT_DATA", "data"))
    folder = Path(os.environ.get("INCUMBENT_PAGES", data.parent / "seeds"))
    found = sorted(folder.glob(f"{number:03d}*.txt"))
    if not found:
        pytest.skip(f"no page {number:03d} in {folder}: name the folder of the book's pages by INCUMBENT_PAGES")
    return found[0].read_text()


def cells(number):
    """The code cells for torch of a page, with its import line replaced."""
    for code in CELL.findall(page(number)):
        if not code.lstrip().startswith(OTHER_TABS):
            code = re.sub(r"\A\s*%%tab \w+\n", "", code).replace(*IMPORT)
            yield code if IN_FULL else re.sub(r"(num_iterations = |number_of_trials=)\d+", rf"\g<1>{TRIALS}", code)


def run(number, namespace=None):
    """Execute a page's cells in one namespace, and return it."""
    namespace = {"__name__": "page"} if namespace is None else namespace
    for place, code in enumerate(cells(number)):
        exec(compile(code, f"page {number:03d}, cell {place}", "exec"), namespace)
    return namespace


@pytest.fixture
def _reduced(data_folder, monkeypatch):
    """One epoch on a few batches for every training; nothing that a page adds to a class stays."""
    monkeypatch.setenv("INCUMBENT_DATA", str(data_folder))
    monkeypatch.setattr(d2l.Trainer, "validate", None, raising=False)
    if not IN_FULL:
        loader = d2l.FashionMNIST.get_dataloader
        monkeypatch.setattr(d2l.FashionMNIST, "get_dataloader", lambda self, train: _First(loader(self, train)))
        prepare = d2l.Trainer.prepare_data
        monkeypatch.setattr(d2l.Trainer, "prepare_data", lambda self, data: _one_epoch(self, prepare(self, data)))
    yield
    d2l.plt.close("all")


class _First:
    """The first batches of a loader."""

    def __init__(self, loader):
        self.loader = loader

    def __len__(self):
        return min(BATCHES, len(self.loader))

    def __iter__(self):
        return islice(iter(self.loader), BATCHES)


def _one_epoch(trainer, _):
    trainer.max_epochs = 1


def test_the_guide_to_random_search(capsys):
    """Page 0: softmax regression, its trainer and its objective, and random search over the learning rate."""
    names = run(0)
    assert len(names["errors"]) == (5 if IN_FULL else TRIALS)
    assert all(0 < error < 1 for error in names["errors"])
    assert "Best validation error = " in capsys.readouterr().out
    if IN_FULL:
        assert 0.15 <= min(names["errors"]) <= 0.18


def test_the_chapter_on_hyperparameter_optimization():
    """Page 1: `validate` is added to the trainer, errors are plotted by learning rate."""
    names = run(1)
    (axes,) = d2l.plt.gcf().axes
    points = axes.collections[0].get_offsets().tolist()
    assert points == [list(point) for point in zip(names["values"], names["errors"], strict=True)]
    assert axes.get_xscale() == "log"


def test_the_guide_to_the_interface_with_its_exercises(capsys):
    """Page 2: the reader's own classes, LeNet tuned, the trajectory plotted; then the exercises on top of it."""
    names = run(2)
    tuner = names["tuner"]
    assert tuner.records[0]["config"] == names["initial_config"]
    assert re.match(r"Trial 0: config = .*\n    error = 0\.\d+, runtime = ", capsys.readouterr().out)
    assert names["board"].data["random search"] == list(
        zip(tuner.cumulative_runtime, tuner.incumbent_trajectory, strict=True)
    )
    exec(EXERCISES, names)
    records = names["local_tuner"].records
    assert len(records) == 3
    assert records[0]["config"] == names["default"]


EXERCISES = """
from torch import nn
import numpy as np

class DropoutMLP(d2l.Classifier):
    def __init__(self, num_outputs, num_hiddens_1, num_hiddens_2, dropout_1, dropout_2, lr):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Flatten(), nn.LazyLinear(num_hiddens_1), nn.ReLU(),
            nn.Dropout(dropout_1), nn.LazyLinear(num_hiddens_2), nn.ReLU(),
            nn.Dropout(dropout_2), nn.LazyLinear(num_outputs))

def hpo_objective_dropoutmlp(
    num_hiddens_1, num_hiddens_2, dropout_1, dropout_2, lr, batch_size, max_epochs=50
):
    model = d2l.DropoutMLP(10, num_hiddens_1, num_hiddens_2, dropout_1, dropout_2, lr)
    assert str(model) == str(DropoutMLP(**model.hparams))
    trainer = d2l.HPOTrainer(max_epochs=max_epochs, num_gpus=1)
    trainer.fit(model=model, data=d2l.FashionMNIST(batch_size=batch_size))
    return trainer.validation_error()

exercise_space = {
    "num_hiddens_1": stats.randint(8, 512), "num_hiddens_2": stats.randint(8, 512),
    "dropout_1": stats.uniform(0, 0.95), "dropout_2": stats.uniform(0, 0.95),
    "lr": stats.loguniform(1e-4, 1), "batch_size": stats.randint(16, 256),
}
default = {"num_hiddens_1": 256, "num_hiddens_2": 256, "dropout_1": 0.5, "dropout_2": 0.5, "lr": 0.1, "batch_size": 256}

class LocalSearcher(d2l.RandomSearcher):
    def __init__(self, config_space, num_init_random, probab_local, initial_config=None):
        super().__init__(config_space, initial_config)
        self.save_hyperparameters()
        self.num_trials, self.best_config, self.best_error = 0, None, np.inf

@d2l.add_to_class(LocalSearcher)
def sample_configuration(self):
    self.num_trials += 1
    if self.num_trials <= self.num_init_random or np.random.rand() > self.probab_local:
        return d2l.RandomSearcher.sample_configuration(self)
    name = np.random.choice(list(self.config_space))
    return {**self.best_config, name: self.config_space[name].rvs()}

@d2l.add_to_class(LocalSearcher)
def update(self, config, error, additional_info=None):
    if error < self.best_error:
        self.best_config, self.best_error = config, error

local = LocalSearcher(exercise_space, num_init_random=2, probab_local=0.8, initial_config=default)
local_tuner = d2l.HPOTuner(d2l.BasicScheduler(searcher=local), objective=hpo_objective_dropoutmlp)
local_tuner.run(number_of_trials=3)
"""
