"""SMAC3: random forests or Gaussian processes with expected improvement, alone or under Hyperband."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from algorithms.adapters.quarantine import contained, silent
from algorithms.adapters.tickets import Tickets
from algorithms.options import check_whole
from algorithms.rungs import is_over
from objectives.space import FIDELITY, Config, Space

with contained():
    from ConfigSpace import Configuration
    from smac import (
        BlackBoxFacade,
        HyperbandFacade,
        HyperparameterOptimizationFacade,
        MultiFidelityFacade,
        RandomFacade,
        Scenario,
    )
    from smac.facade.abstract_facade import AbstractFacade
    from smac.initial_design.abstract_initial_design import AbstractInitialDesign
    from smac.intensifier.abstract_intensifier import AbstractIntensifier
    from smac.intensifier.hyperband import Hyperband
    from smac.intensifier.intensifier import Intensifier
    from smac.intensifier.successive_halving import SuccessiveHalving
    from smac.main.exceptions import ConfigurationSpaceExhaustedException
    from smac.model.random_forest import RandomForest
    from smac.runhistory import StatusType, TrialInfo, TrialValue

    from algorithms.adapters.configspace import Declaration

MOST_TRIALS = 1_000_000
FACADES: Mapping[str, type[AbstractFacade]] = {
    "hyperparameter_optimization": HyperparameterOptimizationFacade,
    "blackbox": BlackBoxFacade,
    "random": RandomFacade,
}
FIDELITY_FACADES: Mapping[str, type[AbstractFacade]] = {
    "multi_fidelity": MultiFidelityFacade,
    "random": HyperbandFacade,
}
INTENSIFIERS: Mapping[str, Callable[..., AbstractIntensifier]] = {
    "hyperband": Hyperband,
    "successive_halving": SuccessiveHalving,
}


class DefaultFirst(AbstractInitialDesign):  # type: ignore[misc]  # SMAC counts as untyped
    """SMAC's own initial design after the default configuration; its `additional_configs` come last."""

    def __init__(self, scenario: Scenario, design: AbstractInitialDesign, default: Configuration) -> None:
        super().__init__(scenario, n_configs=1)
        self.design, self.default = design, default

    def _select_configurations(self) -> list[Configuration]:
        return [self.default, *self.design.select_configurations()]


class Engine:
    """A facade of SMAC asked and told, silently, without files or clock.

    Crashed trials are told as such (`StatusType.CRASHED`) with the next number above the worst error
    known, so that they rank last, and again when a worse one comes: SMAC has a fixed `crash_cost` for
    that whose default, infinity, its models cannot be fitted to. Before any trial succeeds they stay
    running, in SMAC's eyes.

    SMAC reads the clock in `optimize`, which is not called, and to log: no limit of time is in effect.

    Args:
        facade: of SMAC.
        declaration: the space as ConfigSpace has it.
        default: proposed first; None: the facade's initial design alone.
        scenario: further fields of SMAC's scenario, its seed among them.
        initial: options of the facade's initial design.
        selector: options of its configuration selector.
        intensifier: makes of the scenario what decides which trial is next.
    """

    def __init__(
        self,
        facade: type[AbstractFacade],
        declaration: Declaration,
        default: Mapping[str, Any] | None,
        *,
        scenario: Mapping[str, Any],
        initial: Mapping[str, Any],
        selector: Mapping[str, Any],
        intensifier: Callable[[Scenario], AbstractIntensifier],
    ) -> None:
        with tempfile.TemporaryDirectory() as folder, silent():  # SMAC writes its scenario down, wanted or not.
            declared = Scenario(
                declaration.configspace, name="run", output_directory=Path(folder), deterministic=True, **scenario
            )
            design = facade.get_initial_design(declared, **initial)
            if default is not None:
                design = DefaultFirst(declared, design, declaration.outward(default))
            model = facade.get_model(declared)
            if isinstance(model, RandomForest):
                model._rf_opts["n_jobs"] = 1  # Its -1 starts a thread per core; the forest is the same.
            self.facade = facade(
                declared,
                model=model,
                acquisition_maximizer=_in_order(facade.get_acquisition_maximizer(declared)),
                initial_design=design,
                config_selector=facade.get_config_selector(declared, **selector),
                intensifier=intensifier(declared),
                logging_level=False,
                overwrite=True,  # Otherwise it may ask on stdin.
            )
        self.crashed: list[TrialInfo] = []
        self.worst = -math.inf

    def ask(self) -> TrialInfo | None:
        """The next trial; None when SMAC finds no configuration that it has not proposed before."""
        with silent():
            try:
                return self.facade.ask()
            except (StopIteration, ConfigurationSpaceExhaustedException):
                return None

    def tell(self, trial: TrialInfo, error: float) -> None:
        """Tell what a trial came to, and whatever that changes about the crashed ones."""
        if math.isfinite(error):
            self._tell(trial, error, StatusType.SUCCESS)
            late = self.crashed if error > self.worst else []
            self.worst = max(self.worst, error)
        else:
            self.crashed.append(trial)
            late = [trial] if math.isfinite(self.worst) else []
        for crashed in late:
            self._tell(crashed, math.nextafter(self.worst, math.inf), StatusType.CRASHED)

    def _tell(self, trial: TrialInfo, cost: float, status: StatusType) -> None:
        with silent():
            self.facade.tell(trial, TrialValue(cost=cost, status=status), save=False)


class Smac:
    """SMAC3 (Lindauer et al., JMLR 2022) by its ask and tell interface, every configuration tried once.

    SMAC spends a share of its trials on an initial design (Sobol, the default configuration first),
    then fits its model and proposes `retrain_after` configurations from it, some of them random. It
    never proposes a configuration twice: a small space is exhausted. Outstanding proposals are not
    proposed again, but its models do not see them. Of a trial it learns the first result.

    Args:
        config_space: the space, conditions included.
        rng: gives SMAC's seed.
        initial_config: the first configuration of the initial design.
        facade: "hyperparameter_optimization" (random forest), "blackbox" (Gaussian process), "random".
        n_trials: the trials that SMAC counts on: its initial design has at most a quarter of them.
        n_initial: configurations of the initial design, the default not counted; None: the facade's
            10 (random forest) or 8 (Gaussian process) per hyperparameter. Not for "random".
        retrain_after: proposals from one fit; None: the facade's 8 (random forest), 1 (Gaussian process).

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        facade: str = "hyperparameter_optimization",
        n_trials: int = 100,
        n_initial: int | None = None,
        retrain_after: int | None = None,
    ) -> None:
        _one_of("facade", facade, FACADES)
        check_whole("n_trials", n_trials, 4, MOST_TRIALS)
        if facade == "random" and n_initial is not None:
            raise ValueError(f"n_initial = {n_initial!r}: the facade 'random' has no initial design to size")
        self.declaration = Declaration(config_space, initial_config)
        self.default = None if initial_config is None else dict(initial_config)
        self.tickets = Tickets()
        self.engine: Engine | None = None
        if self.declaration.names:
            self.engine = Engine(
                FACADES[facade],
                self.declaration,
                self.default,
                scenario={"seed": int(rng.integers(2**31 - 1)), "n_trials": n_trials},
                initial=_given("n_configs", "n_initial", n_initial, n_trials // 4),
                selector=_given("retrain_after", "retrain_after", retrain_after, MOST_TRIALS),
                intensifier=partial(Intensifier, max_config_calls=1),
            )
        self.only = [] if self.engine else [self.declaration.inward({})]

    def sample_configuration(self) -> Config | None:
        if self.engine is None:
            return self.only.pop() if self.only else None
        trial = self.engine.ask()
        if trial is None:
            return None
        config = self.declaration.inward(trial.config)
        if self.default is not None:  # Exactly as given: a detour through quantiles may round.
            config, self.default = self.default, None
        self.tickets.issue(config, trial)
        return dict(config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        trial = self.tickets.settle(config)
        if trial is not None and self.engine is not None:
            self.engine.tell(trial, error)


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
        _one_of("facade", facade, FIDELITY_FACADES)
        _one_of("intensifier", intensifier, INTENSIFIERS)
        check_whole("eta", eta, 2, 100)
        check_whole("r_min", r_min, 1, max_epochs)
        check_whole("n_trials", n_trials, 4, MOST_TRIALS)
        if facade == "random" and n_initial is not None:
            raise ValueError(f"n_initial = {n_initial!r}: the facade 'random' has no initial design to size")
        self.declaration = Declaration(config_space, initial_config)
        self.default = None if initial_config is None else dict(initial_config)
        self.max_epochs = max_epochs
        self.names: dict[Configuration, Config] = {}
        self.tickets: dict[int, Tickets] = {}
        self.failed: set[Configuration] = set()
        self.engine: Engine | None = None
        if self.declaration.names:
            budgets = {"min_budget": r_min, "max_budget": max_epochs}
            self.engine = Engine(
                FIDELITY_FACADES[facade],
                self.declaration,
                self.default,
                scenario={"seed": int(rng.integers(2**31 - 1)), "n_trials": n_trials, **budgets},
                initial=_given("n_configs", "n_initial", n_initial, n_trials // 4),
                selector={},
                intensifier=partial(INTENSIFIERS[intensifier], eta=eta),
            )
        self.only = [] if self.engine else [{**self.declaration.inward({}), FIDELITY: max_epochs}]

    def suggest(self) -> Config | None:
        if self.engine is None:
            return self.only.pop() if self.only else None
        trial = self.engine.ask()
        while trial is not None and trial.config in self.failed:
            self.engine.tell(trial, math.inf)
            trial = self.engine.ask()
        if trial is None:
            return None
        if trial.config not in self.names:
            self.names[trial.config] = self.default or self.declaration.inward(trial.config)
            self.default = None
        assert trial.budget is not None
        epochs = int(trial.budget + 0.5)
        self.tickets.setdefault(epochs, Tickets()).issue(self.names[trial.config], trial)
        return {**self.names[trial.config], FIDELITY: epochs}

    def update(self, config: Config, error: float, info: Any = None) -> None:
        tickets = self.tickets.get(int(config.get(FIDELITY, self.max_epochs)))
        trial = tickets.settle(config) if tickets else None
        if trial is not None and self.engine is not None:
            if is_over(config, error, info):
                self.failed.add(trial.config)
            self.engine.tell(trial, error)


def _in_order(maximizer: Any) -> Any:
    """Lets local searches start in the order of their starting points' text.

    SMAC 2.4.1 takes them from a set of configurations, whose order, by the hash of their text, is
    another in every process; random draws and so the proposals depend on it.
    """
    local = getattr(maximizer, "_local_search", None)
    if local is not None:
        in_a_set = local._get_init_points_from_previous_configs
        local._get_init_points_from_previous_configs = lambda *given: sorted(in_a_set(*given), key=repr)
    return maximizer


def _one_of(name: str, value: str, known: Mapping[str, Any]) -> None:
    if value not in known:
        raise ValueError(f"{name} = {value!r}: need one of {', '.join(known)}")


def _given(library: str, name: str, value: int | None, high: int) -> dict[str, int]:
    """SMAC's option, or nothing: its own default."""
    if value is None:
        return {}
    check_whole(name, value, 1, high)
    return {library: value}
