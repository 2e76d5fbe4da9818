"""Programs at the other end of a pipe, an invented library on the module path, and a fitted Gaussian process."""

import importlib
import sys

import numpy as np
import pytest

from algorithms.external.external import ExternalScheduler, ExternalSearcher
from benchmark.tuning import factory
from tests.algorithms.external.worker import GOOD, RATE
from tests.algorithms.invented import MODULE, SCHEDULERS, SEARCHERS, publish


@pytest.fixture
def program(tmp_path):
    """A function that writes a Python program and gives the command to run it."""

    def write(source):
        path = tmp_path / "worker.py"
        path.write_text(source)
        return [sys.executable, str(path)]

    return write


@pytest.fixture
def toy(program):
    """A function that makes a searcher of the good program, or of the source given."""
    made = []

    def make(source=GOOD, space=RATE, seed=0, role=ExternalSearcher, **options):
        if role is ExternalScheduler:
            options = {"max_epochs": 9, **options}
        made.append(role(space, rng=np.random.default_rng(seed), command=program(source), **options))
        return made[-1]

    yield make
    for algorithm in made:
        algorithm.close()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of the module path with the invented library, installed in version 1.0."""
    folder = tmp_path / "site"
    (folder / "invented_library").mkdir(parents=True)
    (folder / "invented_library" / "__init__.py").write_text("")
    (folder / "invented_library" / "parts.py").write_text(MODULE)
    publish(folder, "1.0")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "invented_library"]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def registered(site, monkeypatch):
    """The invented library beside everything that is registered."""
    publish(site, "7", "invented-too")
    monkeypatch.setattr(factory, "ALL_SEARCHERS", factory.ALL_SEARCHERS | SEARCHERS)
    monkeypatch.setattr(factory, "ALL_SCHEDULERS", factory.ALL_SCHEDULERS | SCHEDULERS)
    return site


@pytest.fixture
def fitted(one_thread):
    """A fitted Gaussian process with its inputs and targets."""
    import torch

    from algorithms.searchers import surrogate

    rng = np.random.default_rng(0)
    inputs = torch.from_numpy(rng.random((15, 2)))
    targets = torch.sin(5 * inputs).sum(dim=1) + 0.2 * torch.from_numpy(rng.standard_normal(15))
    targets = (targets - targets.mean()) / targets.std()
    model = surrogate.SingleTaskGP(inputs, targets[:, None], outcome_transform=None)
    surrogate.fit(model, inputs, targets)
    return model.eval(), inputs, targets
