"""Softmax regression in JAX, Keras and MXNet: the three agree with each other, and with PyTorch within seed noise."""

from itertools import islice

import numpy as np
import pytest

from objectives import OBJECTIVES
from objectives.external import softmax_worker
from objectives.external.external_objective import ExternalObjective
from objectives.objective import Machine
from objectives.training.data import load_splits
from tests import ROOT

SEEDS = 10
CONFIG = {"learning_rate": 0.03}


def framework(name):
    python = ROOT / ".external" / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"needs {name} in an environment of its own: make frameworks")
    program = ROOT / "objectives" / "external" / f"{name}_softmax.py"
    return ExternalObjective(command=[str(python), str(program)], timeout=300.0)


def curves(objective, seeds=SEEDS):
    """Validation errors, (seeds, epochs)."""
    objective.prepare(Machine())
    trials = [objective.train(CONFIG, np.random.SeedSequence(seed), Machine()) for seed in range(seeds)]
    return np.array([[epoch.valid_error for epoch in islice(trial, objective.max_epochs)] for trial in trials])


@pytest.fixture(scope="module")
def torch_curves():
    return curves(OBJECTIVES["softmax"]())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jax", "keras", "mxnet"])
def test_agrees_with_pytorch_within_seed_noise(name, torch_curves):
    """Mean errors of ten seeds are equivalent at every epoch: the 90 % interval of the difference lies in +-0.03.

    Two one-sided tests (Schuirmann, 1987); by the first epoch alone single seeds differ by 0.05 (one standard
    deviation), so that the bound there is that.
    """
    ours = curves(framework(name))

    difference = ours.mean(axis=0) - torch_curves.mean(axis=0)
    error = np.sqrt((ours.var(axis=0, ddof=1) + torch_curves.var(axis=0, ddof=1)) / SEEDS)
    bound = np.where(np.arange(8) == 0, 0.06, 0.03)
    assert (np.abs(difference) + 1.734 * error <= bound).all()  # t of 18 degrees of freedom, one-sided 5 %


@pytest.mark.slow
def test_frameworks_agree_with_each_other():
    """Same weights, same order: the programs classify the same images wrongly, but for rounding."""
    first, *others = (curves(framework(name), seeds=2) for name in ("jax", "keras", "mxnet"))

    for other in others:
        assert np.abs(first - other).max() <= 1.5 / 300


def test_splits_are_ours():
    """Pixels and labels of the three sets are those of our own loader, in the same order."""
    data = softmax_worker.load("digits", "standard", None)
    (split,) = load_splits("digits", "standard", None, Machine())

    for (x, y), images in (
        ((data.x, data.y), split.train),
        ((data.valid_x, data.valid_y), split.valid),
        ((data.test_x, data.test_y), split.test),
    ):
        assert np.array_equal(x, images.x.flatten(1).numpy())
        assert np.array_equal(y, images.y.numpy())


def test_data_that_is_missing(tmp_path):
    """The message names the file, the folder and the remedy."""
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte not found in .*FashionMNIST/raw; name the folder"):
        softmax_worker.load("fashion_mnist", "book", str(tmp_path))
