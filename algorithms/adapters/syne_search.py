"""Syne Tune's searchers (Salinas et al., 2022), under its scheduler for single-fidelity searchers.

Faults of release 0.16 that are kept, since whoever uses the library has them: `botorch` pairs
configurations in the order proposed with errors in the order told, so that with several workers it fits
a model of shuffled errors; a crashed trial stays pending there for good. `tpe` models nothing before
(d + 1) / 0.15 results with d hyperparameters, unless the option `num_min_data_points` is d + 1, and its
integers may fall below their range (they are clipped). `rea` is random search until `population_size`
results are in, 100 by default.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import ModuleType
from typing import Any

import numpy as np

from algorithms.interop.containment import silent, without_side_effects
from algorithms.interop.library_options import Options, bad_options_refused, check_options, find_by_name, option_names
from algorithms.interop.pending import PendingTrials
from algorithms.interop.space_translation import Coordinate, Translation
from objectives.space import Config, Space

with without_side_effects():
    from syne_tune import config_space as domains
    from syne_tune.backend.trial_status import Trial
    from syne_tune.optimizer.schedulers.searchers.searcher_factory import searcher_cls
    from syne_tune.optimizer.schedulers.single_objective_scheduler import SingleObjectiveScheduler

METRIC = "error"
NEVER = datetime(1970, 1, 1)
"""A creation time, which nothing reads."""
SEARCHERS: Mapping[str, str] = {
    "random": "random_search",
    "tpe": "kde",
    "rea": "regularized_evolution",
    "bore": "bore",
    "cqr": "cqr",
    "botorch": "botorch",
}
BLIND = "proposals without a result are not looked at"
PENDING: Mapping[str, str] = {
    **dict.fromkeys(("tpe", "rea", "bore", "cqr"), BLIND),
    "botorch": "pairs proposals with the wrong errors where results come out of order",
}
"""What methods do with proposals whose result is not in; nothing is said of random search, which needs none."""
GIVEN = frozenset({"config_space", "points_to_evaluate", "random_seed", "surrogate_cls"})
"""Arguments that we give, and one that a suite cannot write."""


class Declaration:
    """Declares a space in Syne Tune's domains; a hyperparameter with only one value is a constant there.

    Syne Tune's categoricals have values of one type, so those of several are declared by their names.
    """

    def __init__(self, space: Space) -> None:
        self.translation = Translation(space)
        self.named = {
            coordinate.name: {repr(choice): choice for choice in coordinate.choices}
            for coordinate in self.translation.coordinates
            if len({type(choice) for choice in coordinate.choices}) > 1
        }
        self.domains = {each.name: self._domain(each) for each in self.translation.coordinates}
        self.constants = {name: value for name, value in self.domains.items() if not isinstance(value, domains.Domain)}

    @property
    def only(self) -> Config | None:
        """The only configuration of a space, or None: Syne Tune cannot search a space without choices."""
        return self.inward({}) if len(self.constants) == len(self.domains) else None

    def outward(self, config: Mapping[str, Any]) -> dict[str, Any]:
        values = self.translation.complete(config)
        return {name: repr(value) if name in self.named else value for name, value in values.items()}

    def inside(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Clip a proposal to its bounds, so that the result told later belongs to what was trained."""
        ranged = {each.name: each for each in self.translation.coordinates if each.kind != "categorical"}
        return {
            name: min(max(value, ranged[name].low), ranged[name].high) if name in ranged else value
            for name, value in values.items()
        }

    def inward(self, values: Mapping[str, Any]) -> Config:
        complete = {**self.constants, **values}
        return self.translation.inward(
            {name: self.named[name][value] if name in self.named else value for name, value in complete.items()}
        )

    def _domain(self, coordinate: Coordinate) -> Any:
        if coordinate.kind == "categorical":
            choices = list(self.named.get(coordinate.name, coordinate.choices))
            return domains.choice(choices) if len(choices) > 1 else choices[0]
        low, high = coordinate.low, coordinate.high
        if low == high:
            return low
        if coordinate.kind == "int":
            return (domains.lograndint if coordinate.log else domains.randint)(low, high)
        return (domains.loguniform if coordinate.log else domains.uniform)(low, high)


class SyneTuneSearcher:
    """Asks a searcher of Syne Tune for configurations and tells it their results.

    A crashed trial is an error there, from which no searcher learns. Of a configuration that is trained
    further and further it learns the first result. Of a conditional space it is asked for every value;
    those that do not count are dropped.

    Most draw from numpy's global generator too (initial random proposals, candidates), `botorch` from
    torch's: runs repeat because the harness gives each run private ones.

    Args:
        config_space: the space.
        rng: gives the searcher's seed, and nothing else is drawn from it.
        initial_config: tried first.
        method: "random", "tpe" (multivariate kernel densities, as in BOHB), "rea" (regularized
            evolution), "bore" (density ratios by XGBoost), "cqr" (conformal quantile regression) or
            "botorch" (a Gaussian process).
        options: arguments of the searcher's class by name, Syne Tune's own defaults otherwise.

    Raises:
        ValueError: an unknown method, or an option that it has not or refuses.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        method: str = "random",
        options: Options = None,
    ) -> None:
        factory = searcher_class(method)
        chosen = check_options(method, option_names(factory, GIVEN), options)
        seed = int(rng.integers(2**31 - 1))
        self.adaptive = method != "random"
        self.lacks = {"pending": PENDING[method]} if method in PENDING else {}
        self.declaration = Declaration(config_space)
        self.initial_config = None if initial_config is None else dict(initial_config)
        self.pending, self.proposed = PendingTrials(), 0
        if self.declaration.only is not None:
            return
        points = [] if initial_config is None else [self.declaration.outward(initial_config)]
        with bad_options_refused(method, options):
            searcher = factory(self.declaration.domains, points_to_evaluate=points, random_seed=seed, **chosen)
            self.scheduler = SingleObjectiveScheduler(
                self.declaration.domains, metric=METRIC, searcher=searcher, random_seed=seed
            )

    def sample_configuration(self) -> Config | None:
        if self.declaration.only is not None:
            return self.declaration.only
        with silent():
            suggestion = self.scheduler.suggest()
        if suggestion is None:
            return None
        values = self.declaration.inside(suggestion.config)
        config = self.declaration.inward(values)
        if self.initial_config is not None:  # A quantile there and back may miss the value by a rounding.
            config, self.initial_config = self.initial_config, None
        self.pending.add(config, Trial(trial_id=self.proposed, config=values, creation_time=NEVER))
        self.proposed += 1
        return dict(config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        trial = self.pending.take(config)
        if trial is None:
            return
        with silent():
            if math.isinf(error):
                self.scheduler.on_trial_error(trial)
            else:
                self.scheduler.on_trial_complete(trial, {METRIC: error})


def searcher_class(method: str) -> Callable[..., Any]:
    name = find_by_name("method", method, SEARCHERS)
    with without_side_effects(), downloads():
        factory: Callable[..., Any] = searcher_cls(name)
    return factory


@contextmanager
def downloads() -> Iterator[None]:
    """Let `cqr` be imported without the package that downloads tables, which nothing here does.

    Its module takes a scikit-learn pipeline from Syne Tune's repository of tables, which imports
    `huggingface_hub` for its downloads; the package itself does not require that.
    """
    name = "huggingface_hub"
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        yield
        return
    stub = ModuleType(name)
    stub.__getattr__ = lambda attribute: None  # type: ignore[method-assign]
    sys.modules[name] = stub
    try:
        yield
    finally:
        del sys.modules[name]
