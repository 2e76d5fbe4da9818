"""Noisy expected improvement: its numerics, and the acquisition against brute force and BoTorch's own."""

import math

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("botorch", reason="botorch is not installed: make adapters")

import torch

from algorithms.searchers import expected_improvement
from algorithms.searchers.expected_improvement import JITTER, NoisyExpectedImprovement, log_h, normals

pytestmark = pytest.mark.usefixtures("one_thread")


def test_log_h_is_accurate_in_value_and_gradient():
    """Against BoTorch's own, from the middle to the far tail; the gradient is finite everywhere."""
    from botorch.acquisition.analytic import _log_ei_helper

    u = torch.cat([torch.linspace(-50, 6, 400), -torch.logspace(2, 5, 50)]).double().requires_grad_()
    expected = _log_ei_helper(u)
    assert log_h(u).detach().numpy() == pytest.approx(expected.detach().numpy(), rel=1e-7)
    (slope,), (expected_slope,) = (torch.autograd.grad(value.sum(), u) for value in (log_h(u), expected))
    assert slope.numpy() == pytest.approx(expected_slope.numpy(), rel=1e-4)


def test_normals_are_quasi_random_and_repeat():
    """64 draws are 64 equal shares of probability in every dimension; the seed alone decides."""
    drawn = normals(64, 5, 3)
    cells = np.floor(stats.norm.cdf(drawn.numpy()) * 64).astype(int)
    assert all(sorted(column) == list(range(64)) for column in cells.T.tolist())
    assert torch.equal(drawn, normals(64, 5, 3))
    assert not torch.equal(drawn, normals(64, 5, 4))


@pytest.mark.parametrize("n_pending", [0, 3])
def test_the_acquisition_is_noisy_expected_improvement(monkeypatch, fitted, n_pending):
    """Against brute force: joint normal draws of f at results, pending proposals and x."""
    monkeypatch.setattr(expected_improvement, "FANTASIES", 4096)
    model, inputs, targets = fitted
    pending = torch.from_numpy(np.random.default_rng(5).random((n_pending, 2)))
    asked = torch.from_numpy(np.random.default_rng(6).random((6, 2)))
    with torch.no_grad():
        ours = NoisyExpectedImprovement(model, inputs, targets, pending, 1)(asked).exp().numpy()
        joint = model.posterior(torch.cat([inputs, pending, asked]))
        covariance = joint.mvn.covariance_matrix.numpy() + JITTER * np.eye(len(inputs) + n_pending + 6)
    draws = np.random.default_rng(8).multivariate_normal(joint.mean[:, 0].numpy(), covariance, size=200_000)
    best = draws[:, : len(inputs) + n_pending].max(axis=1, keepdims=True)
    improvements = np.maximum(draws[:, -6:] - best, 0)
    error = improvements.std(axis=0) / math.sqrt(len(draws))
    assert improvements.mean(axis=0).max() > 0.01
    assert (np.abs(ours - improvements.mean(axis=0)) < 5 * error + 1e-5).all()


def test_the_acquisition_is_that_of_botorch(monkeypatch, fitted):
    """Without pending proposals, where it is not negligible, with many draws of either."""
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement
    from botorch.sampling import SobolQMCNormalSampler

    monkeypatch.setattr(expected_improvement, "FANTASIES", 4096)
    model, inputs, targets = fitted
    asked = torch.from_numpy(np.random.default_rng(6).random((60, 2)))
    sampler = SobolQMCNormalSampler(torch.Size([4096]), seed=1)
    theirs = qLogNoisyExpectedImprovement(model, inputs, sampler=sampler, prune_baseline=False)
    with torch.no_grad():
        ours = NoisyExpectedImprovement(model, inputs, targets, inputs[:0], 1)(asked).numpy()
        expected = theirs(asked[:, None]).numpy()
    certain = expected > -6
    assert certain.sum() > 5
    assert ours[certain] == pytest.approx(expected[certain], abs=0.1)
