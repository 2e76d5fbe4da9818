"""A Gaussian process by BoTorch on the unit cube, fitted by maximum a posteriori, a few steps at a time."""

from __future__ import annotations

import math
import warnings

with warnings.catch_warnings():
    # GPyTorch scripts a function while it is imported; torch 2.15 calls that deprecated.
    warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
    import botorch
    import torch
    from botorch.exceptions.warnings import BotorchWarning, OptimizationWarning
    from botorch.models import SingleTaskGP
    from botorch.optim.closures import ForwardBackwardClosure
    from botorch.optim.fit import fit_gpytorch_mll_scipy
    from botorch.settings import validate_input_scaling
    from gpytorch.mlls import ExactMarginalLogLikelihood
    from linear_operator.utils.errors import NanError, NotPSDError
    from linear_operator.utils.warnings import NumericalWarning

__all__ = [
    "NUMERICAL_ERRORS",
    "BotorchWarning",
    "NumericalWarning",
    "SingleTaskGP",
    "Surrogate",
    "botorch",
    "fit",
    "log_posterior",
    "torch",
]

FIT_ITERATIONS = 20
"""Steps of L-BFGS on the hyperparameters, from where the last fit ended: 0.2 nats short of the maximum on average."""

NUMERICAL_ERRORS = (NotPSDError, NanError, torch.linalg.LinAlgError)  # type: ignore[attr-defined]


class Surrogate:
    """Models of one outcome, each of which begins with the hyperparameters that the last one ended with.

    The model is BoTorch's SingleTaskGP: a squared-exponential kernel with a length scale for each axis,
    their prior scaled with the dimension (Hvarfner et al., 2024), learned mean and learned noise.

    Attributes:
        hyperparameters: those of the last fit; None before the first.
    """

    def __init__(self) -> None:
        self.hyperparameters: dict[str, torch.Tensor] | None = None

    def model(self, inputs: torch.Tensor, targets: torch.Tensor, refit: bool = True) -> SingleTaskGP:
        """Make the model of (n, D) inputs and (n,) standardised targets.

        Args:
            inputs: in the unit cube.
            targets: of mean 0 and standard deviation 1.
            refit: whether to improve the hyperparameters; where that fails they stay those of the last fit.
        """
        with validate_input_scaling(False):  # Outcomes are standardised by whoever calls.
            model = SingleTaskGP(inputs, targets[:, None], outcome_transform=None)
        if self.hyperparameters is not None:
            model.load_state_dict(self.hyperparameters)
        if refit or self.hyperparameters is None:
            fit(model, inputs, targets)
            self.hyperparameters = {name: value.detach().clone() for name, value in model.state_dict().items()}
        return model


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
