"""Ray Tune's searchers: its random search, and its wrappers of Optuna, Hyperopt, Nevergrad and BayesOpt.

Faults of release 2.60 that are worked around: the wrapper of BayesOpt takes a crashed trial among its
first random ones for one that is never told, and proposes nothing more; it is told the error inf instead,
which it leaves out. That of Nevergrad takes no seed; its parametrization gets one. Kept: it works with
few of Nevergrad's optimizers where there is a default configuration, since those that select themselves
by the budget are told of it before they know one.

Not here: Ax, HEBO, ZOOpt and BOHB, whose libraries do not install beside the others; `ConcurrencyLimiter`
and `Repeater`, since a suite says how many workers and repetitions there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from algorithms.interop.containment import silent, without_side_effects
from algorithms.interop.library_options import Options, bad_options_refused, check_options, find_by_name
from algorithms.interop.pending import PendingTrials
from algorithms.interop.space_translation import Coordinate, Translation
from objectives.space import Config, Space

with without_side_effects():
    import nevergrad
    from ray import tune
    from ray.tune.search import Searcher
    from ray.tune.search.bayesopt import BayesOptSearch
    from ray.tune.search.hyperopt import HyperOptSearch
    from ray.tune.search.nevergrad import NevergradSearch
    from ray.tune.search.optuna import OptunaSearch
    from ray.tune.search.variant_generator import generate_variants

METRIC, MODE = "error", "min"
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "random": (),
    "optuna": (),
    "hyperopt": ("n_initial_points", "gamma"),
    "nevergrad": ("optimizer", "optimizer_kwargs"),
    "bayesopt": ("random_search_steps", "patience", "skip_duplicate", "repeat_float_precision", "utility_kwargs"),
}
BLIND = "proposals without a result are not looked at"
MOST_REPEATS = 1000
"""Proposals that a searcher may withhold in a row while nothing runs, before it counts as exhausted."""


class Variants(Searcher):  # type: ignore[misc]  # Ray is untyped
    """Random search as in Ray's `BasicVariantGenerator`, which itself needs a started cluster."""

    def __init__(self, seed: int, points: list[dict[str, Any]]) -> None:
        super().__init__(metric=METRIC, mode=MODE)
        self.generator, self.points = np.random.default_rng(seed), list(points)
        self.space: dict[str, Any] = {}

    def set_search_properties(self, metric: Any, mode: Any, config: dict[str, Any], **spec: Any) -> bool:
        self.space = config
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        if self.points:
            return self.points.pop(0)
        _, spec = next(generate_variants({"config": self.space}, random_state=self.generator))
        return dict(spec["config"])

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Random search learns nothing."""


class Declared(Protocol):
    """Declares a space in Ray's domains and translates configurations."""

    domains: dict[str, Any]

    def outward(self, config: Mapping[str, Any]) -> dict[str, Any]: ...
    def inward(self, values: Mapping[str, Any]) -> Config: ...


class Declaration:
    """Declares every hyperparameter as Ray does; those with only one value are left out."""

    def __init__(self, space: Space) -> None:
        self.translation = Translation(space)
        coordinates = self.translation.coordinates
        self.domains = {each.name: _domain(each) for each in coordinates if _varies(each)}
        self.constants = {
            each.name: each.choices[0] if each.choices else each.low for each in coordinates if not _varies(each)
        }

    def outward(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in self.translation.complete(config).items() if name in self.domains}

    def inward(self, values: Mapping[str, Any]) -> Config:
        return self.translation.inward({**self.constants, **values})


class Cube:
    """Declares the unit cube, for a library that knows only uniform floats."""

    def __init__(self, space: Space) -> None:
        self.space, self.names, varies = space, list(space.arguments.values()), Declaration(space).domains
        self.domains = {name: tune.uniform(0.0, 1.0) for name in varies}

    def outward(self, config: Mapping[str, Any]) -> dict[str, Any]:
        places = dict(zip(self.names, self.space.encode(config).tolist(), strict=True))
        return {name: places[name] for name in self.domains}

    def inward(self, values: Mapping[str, Any]) -> Config:
        return self.space.decode(np.array([float(values.get(name, 0.5)) for name in self.names]))


class RayTuneSearcher:
    """Asks a searcher of Ray Tune by `suggest`, and tells it the first result by `on_trial_complete`.

    A crashed trial is an error there, from which no searcher learns. Of a configuration that is trained
    further and further it learns the first result. Of a conditional space it is asked for every value;
    those that do not count are dropped.

    Args:
        config_space: the space.
        rng: gives the searcher's seed, and nothing else is drawn from it.
        initial_config: tried first.
        method: "random", "optuna" (TPE), "hyperopt" (TPE), "nevergrad" ((1+1) evolution unless the
            option `optimizer` names another) or "bayesopt" (a Gaussian process over the unit cube, ten
            random proposals first; with parallel workers it waits for these).
        options: arguments of the searcher's class by name, Ray's own defaults otherwise.

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
        chosen = check_options(method, find_by_name("method", method, OPTIONS), options)
        seed = int(rng.integers(2**31 - 1))
        self.adaptive, self.method = method != "random", method
        self.lacks = {"pending": BLIND} if method in ("optuna", "hyperopt", "bayesopt") else {}
        self.declaration: Declared = Cube(config_space) if method == "bayesopt" else Declaration(config_space)
        self.initial_config = None if initial_config is None else dict(initial_config)
        self.pending, self.asked = PendingTrials(), 0
        if not self.declaration.domains:  # Nothing to search.
            return
        points = [] if initial_config is None else [self.declaration.outward(initial_config)]
        with bad_options_refused(method, options):
            self.searcher = _built(method, self.declaration.domains, seed, points, chosen)

    def sample_configuration(self) -> Config | None:
        values: dict[str, Any] | None = {}
        if self.declaration.domains:
            values = self._asked()
        if values is None:
            return None
        config = self.declaration.inward(values)
        if self.initial_config is not None:  # A quantile there and back may miss the value by a rounding.
            config, self.initial_config = self.initial_config, None
        self.pending.add(config, str(self.asked))
        return dict(config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        token = self.pending.take(config)
        if token is None or not self.declaration.domains:
            return
        crashed = math.isinf(error) and self.method != "bayesopt"
        with silent():
            self.searcher.on_trial_complete(token, None if crashed else {METRIC: error}, error=crashed)

    def _asked(self) -> dict[str, Any] | None:
        """Ask for a proposal; where Ray answers None, wait for running trials, else ask again, as Tune does."""
        for _ in range(MOST_REPEATS):
            self.asked += 1
            with silent():
                values = self.searcher.suggest(str(self.asked))
            if values == Searcher.FINISHED:
                return None
            if values is not None or self.pending.outstanding:
                return None if values is None else dict(values)
        return None


def _built(
    method: str, space: dict[str, Any], seed: int, points: list[dict[str, Any]], chosen: dict[str, Any]
) -> Searcher:
    if method == "nevergrad":
        return _nevergrad(space, seed, points, **chosen)
    if method == "random":
        searcher = Variants(seed, points)
    elif method == "optuna":
        searcher = OptunaSearch(seed=seed, points_to_evaluate=points)
    elif method == "hyperopt":
        searcher = HyperOptSearch(random_state_seed=seed, points_to_evaluate=points or None, **chosen)
    else:
        searcher = BayesOptSearch(random_state=seed, points_to_evaluate=points, **chosen)
    searcher.set_search_properties(METRIC, MODE, space)
    return searcher


def _nevergrad(
    space: dict[str, Any],
    seed: int,
    points: list[dict[str, Any]],
    optimizer: str = "OnePlusOne",
    optimizer_kwargs: dict[str, Any] | None = None,
) -> Searcher:
    optimizer_class = find_by_name("options.optimizer", optimizer, nevergrad.optimizers.registry)
    parametrization = NevergradSearch.convert_search_space(space)
    parametrization.random_state = np.random.RandomState(seed)
    return NevergradSearch(
        optimizer=optimizer_class,
        optimizer_kwargs=optimizer_kwargs,
        space=parametrization,
        metric=METRIC,
        mode=MODE,
        points_to_evaluate=points,
    )


def _varies(coordinate: Coordinate) -> bool:
    return len(coordinate.choices) > 1 if coordinate.kind == "categorical" else bool(coordinate.low < coordinate.high)


def _domain(coordinate: Coordinate) -> Any:
    """Return Ray's domain of a hyperparameter; its integers end before `upper`."""
    low, high = coordinate.low, coordinate.high
    if coordinate.kind == "categorical":
        return tune.choice(list(coordinate.choices))
    if coordinate.kind == "int":
        return (tune.lograndint if coordinate.log else tune.randint)(low, high + 1)
    return (tune.loguniform if coordinate.log else tune.uniform)(low, high)
