"""Drives SMAC3 by ask and tell, for its searcher and its multi-fidelity scheduler."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from algorithms.interop.containment import silent, without_side_effects
from algorithms.option_checks import require_int

with without_side_effects():
    from ConfigSpace import Configuration
    from smac import Scenario
    from smac.facade.abstract_facade import AbstractFacade
    from smac.initial_design.abstract_initial_design import AbstractInitialDesign
    from smac.intensifier.abstract_intensifier import AbstractIntensifier
    from smac.main.exceptions import ConfigurationSpaceExhaustedException
    from smac.model.random_forest import RandomForest
    from smac.multi_objective.parego import ParEGO
    from smac.runhistory import StatusType, TrialInfo, TrialValue

    from algorithms.interop.configspace import Declaration

MOST_TRIALS = 1_000_000
MOST_LEAVES = 1 << 14
"""Of a tree of SMAC's forests, which has at most one leaf for each result: it binds beyond 16,384 results alone."""


class DefaultFirst(AbstractInitialDesign):  # type: ignore[misc]  # SMAC counts as untyped
    """SMAC's own initial design after the default configuration; its `additional_configs` come last."""

    def __init__(self, scenario: Scenario, design: AbstractInitialDesign, default: Configuration) -> None:
        super().__init__(scenario, n_configs=1)
        self.design, self.default = design, default

    def _select_configurations(self) -> list[Configuration]:
        return [self.default, *self.design.select_configurations()]


class SmacEngine:
    """Asks a facade of SMAC for trials and tells it their results, without log, files or clock.

    Crashed trials are told as such (`StatusType.CRASHED`) with the next number above the worst error
    known, so that they rank last, and again when a worse one comes: SMAC has a fixed `crash_cost` for
    that whose default, infinity, its models cannot be fitted to. Before any trial succeeds they stay
    running, in SMAC's eyes.

    SMAC reads the clock in `optimize`, which is not called, and to log: no limit of time is in effect.

    With several metrics SMAC makes one of them by ParEGO; a crashed trial is the worst in each.

    Args:
        facade: of SMAC.
        declaration: the space as ConfigSpace has it.
        default: proposed first; None: the facade's initial design alone.
        scenario: further fields of SMAC's scenario, its seed among them.
        initial: options of the facade's initial design.
        selector: options of its configuration selector.
        intensifier: makes of the scenario what decides which trial is next.
        n_metrics: of every trial.
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
        n_metrics: int = 1,
    ) -> None:
        with tempfile.TemporaryDirectory() as folder, silent():  # SMAC writes its scenario down, wanted or not.
            declared = Scenario(
                declaration.configspace,
                name="run",
                objectives="cost" if n_metrics == 1 else [f"cost{number}" for number in range(n_metrics)],
                output_directory=Path(folder),
                deterministic=True,
                **scenario,
            )
            design = facade.get_initial_design(declared, **initial)
            if default is not None:
                design = DefaultFirst(declared, design, declaration.outward(default))
            model = facade.get_model(declared)
            if isinstance(model, RandomForest):
                model._rf_opts["n_jobs"] = 1  # Its -1 starts a thread per core; the forest is the same.
                # Its 2**20 makes scikit-learn clear 128 MB for every tree, in 0.1 s; the forest is the same.
                model._rf_opts["max_leaf_nodes"] = MOST_LEAVES
            self.facade = facade(
                declared,
                model=model,
                acquisition_maximizer=_in_order(facade.get_acquisition_maximizer(declared)),
                initial_design=design,
                config_selector=facade.get_config_selector(declared, **selector),
                intensifier=intensifier(declared),
                multi_objective_algorithm=ParEGO(declared) if n_metrics > 1 else None,
                logging_level=False,
                overwrite=True,  # Otherwise it may ask on stdin.
            )
        self.crashed: list[TrialInfo] = []
        self.worst = [-math.inf] * n_metrics

    def ask(self) -> TrialInfo | None:
        """Return SMAC's next trial; None when it finds no configuration that it has not proposed before."""
        with silent():
            try:
                return self.facade.ask()
            except (StopIteration, ConfigurationSpaceExhaustedException):
                return None

    def tell(self, trial: TrialInfo, errors: Sequence[float]) -> None:
        """Tell SMAC a trial's result, and the new cost of crashed trials where it changes theirs.

        Args:
            trial: SMAC's own.
            errors: of every metric; the trial counts as crashed where one of them is infinite.
        """
        if all(map(math.isfinite, errors)):
            self._tell(trial, list(errors), StatusType.SUCCESS)
            worst = [max(pair) for pair in zip(self.worst, errors, strict=True)]
            late = self.crashed if worst != self.worst else []
            self.worst = worst
        else:
            self.crashed.append(trial)
            late = [trial] if all(map(math.isfinite, self.worst)) else []
        for crashed in late:
            self._tell(crashed, [math.nextafter(worst, math.inf) for worst in self.worst], StatusType.CRASHED)

    def _tell(self, trial: TrialInfo, costs: list[float], status: StatusType) -> None:
        with silent():
            self.facade.tell(trial, TrialValue(cost=costs if len(costs) > 1 else costs[0], status=status), save=False)


def _in_order(maximizer: Any) -> Any:
    """Make local searches start in the order of their starting points' text.

    SMAC 2.4.1 takes them from a set of configurations, whose order, by the hash of their text, is
    another in every process; random draws and so the proposals depend on it.
    """
    local = getattr(maximizer, "_local_search", None)
    if local is not None:
        in_a_set = local._get_init_points_from_previous_configs
        local._get_init_points_from_previous_configs = lambda *given: sorted(in_a_set(*given), key=repr)
    return maximizer


def require_one_of(name: str, value: str, names: Mapping[str, Any]) -> None:
    """Refuse a name that is not known."""
    if value not in names:
        raise ValueError(f"{name} = {value!r}: need one of {', '.join(names)}")


def option_unless_none(library: str, name: str, value: int | None, high: int) -> dict[str, int]:
    """Check an option and name it as SMAC does; None leaves SMAC its own default."""
    if value is None:
        return {}
    require_int(name, value, 1, high)
    return {library: value}
