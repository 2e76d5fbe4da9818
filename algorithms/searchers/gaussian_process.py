"""Bayesian optimization with a Gaussian process by BoTorch and noisy expected improvement."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from scipy import optimize

from algorithms.option_checks import require_int
from algorithms.searchers.expected_improvement import NoisyExpectedImprovement
from algorithms.searchers.observations import Observations, Results
from algorithms.searchers.random_search import RandomSearch
from objectives.space import Config, Space

with warnings.catch_warnings():
    # GPyTorch scripts a function while it is imported; torch 2.15 calls that deprecated.
    warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
    import torch
    from botorch.exceptions.warnings import OptimizationWarning
    from botorch.models import SingleTaskGP
    from botorch.optim.closures import ForwardBackwardClosure
    from botorch.optim.fit import fit_gpytorch_mll_scipy
    from botorch.settings import validate_input_scaling
    from gpytorch.mlls import ExactMarginalLogLikelihood
    from linear_operator.utils.errors import NanError, NotPSDError

CEILING = 3
"""Of errors, in median distances from the least one."""

FIT_ITERATIONS = 20
"""Steps of L-BFGS on the hyperparameters, from where the last fit ended: 0.2 nats short of the maximum on average."""

CANDIDATES = 256
"""Places at which the acquisition is looked at first: half anywhere, half around good results."""

AROUND = 3
"""Results that candidates are drawn around."""

SPREAD = 0.1
"""Standard deviation of a numeric coordinate around a good result."""

RESTARTS = 4
"""Candidates that are improved by gradients: half from either kind."""

ASCENT_ITERATIONS = 10
"""Steps of L-BFGS on the acquisition: 2 % short of the maximum they climb to on average."""

NUMERICAL_ERRORS = (NotPSDError, NanError, torch.linalg.LinAlgError)  # type: ignore[attr-defined]


class GaussianProcess:
    """Random search at first; then the maximum of noisy expected improvement.

    A proposal with 20 results in 6 dimensions takes 60 ms on one core: 35 the fit, 22 the acquisition.

    The model is BoTorch's SingleTaskGP on the unit cube: a squared-exponential kernel with a length scale
    for each axis, their prior scaled with the dimension (Hvarfner et al., 2024), learned mean and learned
    noise, fitted by maximum a posteriori. A choice among three or more is as many columns, so that any
    two are equally far apart. It is of the results at the largest fidelity that has at least
    `num_init_random`; before there is one, proposals are random.

    Whole numbers and choices are rounded before the acquisition decides, so it sees what would be
    trained. A configuration proposed or told before is passed over: training it again tells nothing
    new. Where nothing new is found, the proposal is random.

    Errors are clipped above (see `outcomes`), since how bad a bad one is says nothing about where the
    good ones are: chance errors of diverged trials would flatten all the rest. Crashed trials (error
    +inf) are at the ceiling. On an error of about 0.1 that jumps to 0.9 beyond a learning rate, mean
    regret after 30 trials (8 seeds) is 0.005, without clipping 0.016, by ranks turned to normals 0.004;
    on Branin (10 seeds) 0.03, 0.05, 0.06, on Hartmann 0.46, 0.44, 0.39, all three within an error of 0.16.

    Where a fit fails the hyperparameters stay those of the last one; where the acquisition does, the
    proposal is random.

    Args:
        config_space: the space.
        rng: the generator that all draws come from; also of the seeds of the quasi-Monte Carlo draws.
        initial_config: tried first; it counts as one of the initial random proposals.
        num_init_random: random proposals before the first of the model, and results it needs, >= 1.

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        num_init_random: int = 5,
    ) -> None:
        require_int("num_init_random", num_init_random, 1)
        self.random_search = RandomSearch(config_space, rng=rng, initial_config=initial_config)
        self.space, self.rng, self.num_init_random = config_space, rng, num_init_random
        kinds = [axis.kind for axis in config_space.axes.values()]
        self.choice = np.array([kind == "categorical" for kind in kinds])
        self.levels = {i: len(axis.choices) for i, axis in enumerate(config_space.axes.values()) if self.choice[i]}
        self.observations = Observations(config_space)
        self.proposed = 0
        self.hyperparameters: dict[str, torch.Tensor] | None = None
        self.stale = True

    def sample_configuration(self) -> Config:
        self.proposed += 1
        config = self._propose() or self.random_search.sample_configuration()
        self.observations.propose(config)
        return config

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        self.observations.tell(config, error)
        self.stale = True

    def _propose(self) -> Config | None:
        """Fit the model and return its proposal, or None where it has none."""
        results = self.observations.largest(self.num_init_random)
        if self.proposed <= self.num_init_random or results is None or not np.isfinite(results.errors).any():
            return None
        candidates = self._candidates(results)
        if all(tuple(place) in self.observations.known for place in candidates.tolist()):
            return None
        seed = int(self.rng.integers(2**31 - 1))
        try:
            acquisition = self._acquisition(results, seed)
            return self._best(acquisition, candidates)
        except NUMERICAL_ERRORS:
            return None

    def _acquisition(self, results: Results, seed: int) -> NoisyExpectedImprovement:
        inputs, targets = self._features(results.points), torch.from_numpy(outcomes(results.errors))
        with validate_input_scaling(False):  # Outcomes are standardised here.
            model = SingleTaskGP(inputs, targets[:, None], outcome_transform=None)
        if self.hyperparameters is not None:
            model.load_state_dict(self.hyperparameters)
        if self.stale:
            fit(model, inputs, targets)
            self.hyperparameters = {name: value.detach().clone() for name, value in model.state_dict().items()}
            self.stale = False
        pending = np.array(self.observations.pending).reshape(-1, len(self.space))
        with torch.no_grad():
            return NoisyExpectedImprovement(model, inputs, targets, self._features(pending), seed)

    def _candidates(self, results: Results) -> np.ndarray:
        """Draw points of the unit cube, (CANDIDATES, d): half of them anywhere, half around good results."""
        half, d = CANDIDATES // 2, len(self.space)
        anywhere, around = self.rng.random((2, half, d))
        good = np.argsort(results.errors, kind="stable")[:AROUND]
        rows = good[self.rng.integers(len(good), size=half)]
        centres, anew = results.points[rows], self.choice | ~results.active[rows]
        near = np.clip(centres + SPREAD * self.rng.standard_normal((half, d)), 0, 1)
        moved = self.rng.random((half, d)) < 0.5
        around = np.where(moved, np.where(anew, around, near), centres)
        return self._rounded(np.concatenate([anywhere, around]))

    def _best(self, acquisition: NoisyExpectedImprovement, candidates: np.ndarray) -> Config | None:
        """Return the new configuration of the greatest acquisition among candidates and those found by ascent."""
        values = self._values(acquisition, candidates)
        halves = values.reshape(2, -1)
        tops = np.argsort(-halves, axis=1, kind="stable")[:, : RESTARTS // 2] + [[0], [CANDIDATES // 2]]
        reached = self._rounded(self._ascended(acquisition, candidates[tops.ravel()]))
        places = np.concatenate([reached, candidates])
        values = np.concatenate([self._values(acquisition, reached), values])
        for place in places[np.argsort(-values, kind="stable")]:
            if tuple(place.tolist()) not in self.observations.known:
                return self.space.decode(place)
        return None

    def _values(self, acquisition: NoisyExpectedImprovement, places: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            values: np.ndarray = acquisition(self._features(places)).numpy()
        return values

    def _ascended(self, acquisition: NoisyExpectedImprovement, places: np.ndarray) -> np.ndarray:
        """Move points up the gradient of the acquisition in all numeric coordinates; choices stay."""
        numeric = np.flatnonzero(~self.choice)
        if not len(numeric):
            return places
        fixed = self._features(places)[:, len(numeric) :]
        start = places[:, numeric]

        def descent(flat: np.ndarray) -> tuple[float, np.ndarray]:
            free = torch.from_numpy(flat.reshape(start.shape)).requires_grad_()
            value = -acquisition(torch.cat([free, fixed], dim=1)).sum()
            (slope,) = torch.autograd.grad(value, free)
            return value.item(), slope.numpy().ravel()

        bounds = optimize.Bounds(0, 1)
        found = optimize.minimize(
            descent, start.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ASCENT_ITERATIONS}
        )
        ascended = places.copy()
        ascended[:, numeric] = found.x.reshape(start.shape)
        return ascended

    def _rounded(self, places: np.ndarray) -> np.ndarray:
        """Round points to those of configurations: integers, choices, and 0.5 for inactive coordinates."""
        return np.array([self.observations.place(self.space.decode(place)) for place in places])

    def _features(self, places: np.ndarray) -> torch.Tensor:
        """Encode (n, d) points for the model: numeric coordinates, then one column for every choice."""
        columns = [places[:, ~self.choice]]
        for axis, count in self.levels.items():
            codes = np.minimum(places[:, axis] * count, count - 1).astype(int)
            # Two choices are one column; any two of more are 1 apart, as the ends of a numeric axis are.
            columns.append(codes[:, None] * 1.0 if count <= 2 else np.eye(count)[codes] / math.sqrt(2))
        return torch.from_numpy(np.concatenate(columns, axis=1))


def outcomes(errors: np.ndarray) -> np.ndarray:
    """Clip, standardise and negate errors (n,), at least one finite, so that more is better.

    The ceiling is the least error plus `CEILING` times the median distance of the others from it.
    """
    least = errors.min()
    distances = (errors - least)[np.isfinite(errors) & (errors > least)]
    values = np.minimum(errors, least + CEILING * (np.median(distances) if len(distances) else 1.0))
    deviation = values.std()
    standardised: np.ndarray = (values.mean() - values) / (deviation if deviation > 0 else 1.0)
    return standardised


def log_posterior(model: SingleTaskGP, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Log density of the targets (n,) and of the hyperparameters under their priors, divided by n.

    The same number as GPyTorch's ExactMarginalLogLikelihood, in 1.5 instead of 2.5 ms with its gradient
    (25 results, 6 dimensions): no lazy tensors.
    """
    n = len(targets)
    noisy = model.covar_module(inputs).to_dense() + model.likelihood.noise * torch.eye(n, dtype=torch.float64)
    root = torch.linalg.cholesky(noisy)
    white = torch.linalg.solve_triangular(root, (targets - model.mean_module.constant)[:, None], upper=False)
    density = -white.square().sum() / 2 - root.diagonal().log().sum() - n / 2 * math.log(2 * math.pi)
    for _, module, prior, value, _ in model.named_priors():
        density = density + prior.log_prob(value(module)).sum()
    posterior: torch.Tensor = density / n
    return posterior


def fit(model: SingleTaskGP, inputs: torch.Tensor, targets: torch.Tensor) -> None:
    """Maximise the posterior of the hyperparameters from their present values, which stay if that fails."""
    likelihood = ExactMarginalLogLikelihood(model.likelihood, model).train()
    parameters = dict(likelihood.named_parameters())
    before = {name: value.detach().clone() for name, value in parameters.items()}
    closure = ForwardBackwardClosure(lambda: -log_posterior(model, inputs, targets), parameters)
    try:
        with warnings.catch_warnings():
            # Said when L-BFGS gives up a line search: the point it reached is used all the same.
            warnings.simplefilter("ignore", OptimizationWarning)
            fit_gpytorch_mll_scipy(likelihood, parameters, closure=closure, options={"maxiter": FIT_ITERATIONS})
        failed = not all(value.isfinite().all() for value in parameters.values())
    except NUMERICAL_ERRORS:
        failed = True
    with torch.no_grad():
        for name, value in parameters.items():
            if failed:
                value.copy_(before[name])
