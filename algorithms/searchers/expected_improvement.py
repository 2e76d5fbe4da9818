"""The logarithm of noisy expected improvement, an acquisition function for Gaussian processes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.quasirandom import SobolEngine

if TYPE_CHECKING:
    from botorch.models import SingleTaskGP

FANTASIES = 64
"""Joint draws of the noiseless values behind the results."""

JITTER = 1e-6
"""Variance added to noiseless values (the prior's is 1): keeps Cholesky factors finite."""

LEAST_VARIANCE = 1e-10
"""At places already conditioned on, where rounding would leave none or less."""


class NoisyExpectedImprovement:
    """log E[max(f(x) - best, 0)], where `best` is the greatest of the noiseless values f so far.

    These are unknown: results are noisy, and pending proposals have none. So they are drawn jointly from
    the posterior, pending ones among them, and given a draw the improvement is in closed form (Letham et
    al., 2019, section 4.2; its logarithm by Ament et al., 2023). All draws share one covariance. Places
    that are the best in no draw have no part in any improvement, and are not conditioned on.

    BoTorch's qLogNoisyExpectedImprovement (q = 1) is the same expectation, but draws f(x) too. In its
    place, with 64 draws and all else alike, it takes 60 instead of 22 ms to find the best proposal (15 to
    40 results, 2 and 6 dimensions).

    Args:
        model: fitted to `inputs` and `targets`, with a prior variance of 1.
        inputs: (n, D).
        targets: (n,), to be maximised.
        pending: (p, D).
        seed: of the draws, which are quasi-random.
    """

    def __init__(
        self, model: SingleTaskGP, inputs: torch.Tensor, targets: torch.Tensor, pending: torch.Tensor, seed: int
    ) -> None:
        self.kernel, n = model.covar_module, len(inputs)
        noise, self.mean = model.likelihood.noise, model.mean_module.constant
        points, residuals = torch.cat([inputs, pending]), targets - self.mean
        prior = self.kernel(points).to_dense()
        gain = torch.linalg.solve(prior[:n, :n] + torch.diag(noise.expand(n)), prior[:n]).T
        posterior = prior - gain @ prior[:n]
        posterior.diagonal().add_(JITTER)
        draws = gain @ residuals + normals(FANTASIES, len(points), seed) @ torch.linalg.cholesky(posterior).T
        self.best, where = draws.max(dim=1)
        winners = torch.unique(where)
        self.points = torch.cat([inputs, points[winners]])
        variances = torch.cat([noise.expand(n), noise.new_full((len(winners),), JITTER)])
        self.root = torch.linalg.cholesky(self.kernel(self.points).to_dense() + torch.diag(variances))
        known = torch.cat([residuals.expand(FANTASIES, n), draws[:, winners]], dim=1)
        self.weights = torch.cholesky_solve(known.T, self.root)

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Evaluate the acquisition function at (m, D) inputs: (m,)."""
        covariance = self.kernel(inputs, self.points).to_dense()
        explained = torch.linalg.solve_triangular(self.root, covariance.T, upper=False).square().sum(dim=0)
        deviation = (1 - explained).clamp_min(LEAST_VARIANCE).sqrt()[:, None]
        improvements = log_h((covariance @ self.weights - self.best) / deviation) + deviation.log()
        return torch.logsumexp(improvements, dim=1) - math.log(FANTASIES)


def log_h(u: torch.Tensor) -> torch.Tensor:
    """log(phi(u) + u * Phi(u)) of float64, with a usable gradient everywhere (Ament et al., 2023, equation 9)."""
    near = u.clamp_min(-1)
    direct = torch.log(torch.exp(-(near**2) / 2) / math.sqrt(2 * math.pi) + near * torch.special.ndtr(near))
    # phi(u) * (1 + u * Phi(u) / phi(u)): the sum tends to 1 / u**2, of which rounding leaves nothing beyond -1e8.
    below, middle = u.clamp_max(-1), u.clamp(-1e4, -1)
    rest = 1 + middle * math.sqrt(math.pi / 2) * torch.special.erfcx(-middle / math.sqrt(2))
    beyond = 2 * torch.log(-u.clamp_max(-1e4) / 1e4)
    return torch.where(u > -1, direct, torch.log(rest) - beyond - below**2 / 2 - math.log(2 * math.pi) / 2)


def normals(count: int, dimensions: int, seed: int) -> torch.Tensor:
    """Draw quasi-random standard normals, (count, dimensions), from a generator of their own."""
    engine = SobolEngine(dimensions, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    uniform: torch.Tensor = engine.draw(count, dtype=torch.float64)
    drawn: torch.Tensor = torch.special.ndtri(uniform.clamp(1e-10, 1 - 1e-10))
    return drawn
