"""SMAC3's multi-fidelity optimization as a scheduler: Hyperband or successive halving with its models."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from algorithms.adapters.smac_engine import MOST_TRIALS, SmacEngine, option_unless_none, require_one_of
from algorithms.interop.containment import without_side_effects
from algorithms.interop.pending import PendingTrials
from algorithms.option_checks import require_int
from algorithms.schedulers.rungs import is_over
from objectives.space import FIDELITY, Config, Space

with without_side_effects():
    from ConfigSpace import Configuration
    from smac import HyperbandFacade, MultiFidelityFacade
    from smac.facade.abstract_facade import AbstractFacade
    from smac.intensifier.abstract_intensifier import AbstractIntensifier
    from smac.intensifier.hyperband import Hyperband
    from smac.intensifier.successive_halving import SuccessiveHalving

    from algorithms.interop.configspace import Declaration

FIDELITY_FACADES: Mapping[str, type[AbstractFacade]] = {
    "multi_fidelity": MultiFidelityFacade,
    "random": HyperbandFacade,
}

INTENSIFIERS: Mapping[str, Callable[..., AbstractIntensifier]] = {
    "hyperband": Hyperband,
    "successive_halving": SuccessiveHalving,
}


class SmacMultiFidelity:
    """SMAC3's multi-fidelity optimization: its intensifier starts and continues trials, its model proposes.

    Brackets and their budgets are SMAC's: max_epochs * eta**-k, rounded to whole epochs, at least
    `r_min`. While results of a rung are outstanding SMAC starts the next bracket rather than wait. The
    model is fitted to the highest budget that has a result. Two faults of release 2.4.1 are kept: it
    counts the rungs by a rounded-down quotient of logarithms, which loses the lowest one to rounding
    for 243 epochs and eta = 3; and an initial design smaller than the first bracket is filled up with
    draws from the same random state, so that these repeat it and the bracket is short.

    A trial that crashed or diverged (as far as `info` says so) and that SMAC wants continued, for lack
    of better ones, is told as crashed at once instead.

    Args:
        config_space: the space, conditions included.
        rng: gives SMAC's seed.
        max_epochs: the highest budget.
        initial_config: the first configuration of the initial design.
        facade: "multi_fidelity" (random forest) or "random" (SMAC's HyperbandFacade, without a model).
        intensifier: "hyperband" or "successive_halving".
        eta: keep one in eta, >= 2.
        r_min: the least budget, in epochs.
        n_trials: the trials that SMAC counts on: its (random) initial design has at most a quarter of them.
        n_initial: configurations of the initial design, the default not counted; None: the facade's
            10 per hyperparameter. Not for "random".

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        max_epochs: int,
        initial_config: Config | None = None,
        facade: str = "multi_fidelity",
        intensifier: str = "hyperband",
        eta: int = 3,
        r_min: int = 1,
        n_trials: int = 100,
        n_initial: int | None = None,
    ) -> None:
        require_one_of("facade", facade, FIDELITY_FACADES)
        require_one_of("intensifier", intensifier, INTENSIFIERS)
        require_int("eta", eta, 2, 100)
        require_int("r_min", r_min, 1, max_epochs)
        require_int("n_trials", n_trials, 4, MOST_TRIALS)
        if facade == "random" and n_initial is not None:
            raise ValueError(f"n_initial = {n_initial!r}: the facade 'random' has no initial design to size")
        self.declaration = Declaration(config_space, initial_config)
        self.default = None if initial_config is None else dict(initial_config)
        self.max_epochs = max_epochs
        self.names: dict[Configuration, Config] = {}
        self.pending: dict[int, PendingTrials] = {}
        self.failed: set[Configuration] = set()
        self.engine: SmacEngine | None = None
        if self.declaration.names:
            budgets = {"min_budget": r_min, "max_budget": max_epochs}
            self.engine = SmacEngine(
                FIDELITY_FACADES[facade],
                self.declaration,
                self.default,
                scenario={"seed": int(rng.integers(2**31 - 1)), "n_trials": n_trials, **budgets},
                initial=option_unless_none("n_configs", "n_initial", n_initial, n_trials // 4),
                selector={},
                intensifier=partial(INTENSIFIERS[intensifier], eta=eta),
            )
        self.only = [] if self.engine else [{**self.declaration.inward({}), FIDELITY: max_epochs}]

    def suggest(self) -> Config | None:
        if self.engine is None:
            return self.only.pop() if self.only else None
        trial = self.engine.ask()
        while trial is not None and trial.config in self.failed:
            self.engine.tell(trial, [math.inf])
            trial = self.engine.ask()
        if trial is None:
            return None
        if trial.config not in self.names:
            self.names[trial.config] = self.default or self.declaration.inward(trial.config)
            self.default = None
        assert trial.budget is not None
        epochs = int(trial.budget + 0.5)
        self.pending.setdefault(epochs, PendingTrials()).add(self.names[trial.config], trial)
        return {**self.names[trial.config], FIDELITY: epochs}

    def update(self, config: Config, error: float, info: Any = None) -> None:
        pending = self.pending.get(int(config.get(FIDELITY, self.max_epochs)))
        trial = pending.take(config) if pending else None
        if trial is not None and self.engine is not None:
            if is_over(config, error, info):
                self.failed.add(trial.config)
            self.engine.tell(trial, [error])
