"""Libraries asked and told by their own interfaces, as their documentation does it, in the 6-d space of dropout_mlp.

Beside these `suggestions.py` measures our adapters. Each is made by `NATIVES[label]()`, an ImportError where its
library is not there; `ask()` gives values by name, `tell(error)` is of what was asked last.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import numpy as np

from algorithms.interop.containment import without_side_effects
from objectives.classification.dropout_mlp import SETTINGS

SPACE = SETTINGS["digits"].space
WHOLE = {name: (axis.low, axis.high) for name, axis in SPACE.axes.items() if axis.kind == "int"}
FLOATS = {name: (axis.low, axis.high) for name, axis in SPACE.axes.items() if axis.kind == "float"}
LOGARITHMIC = {name for name, axis in SPACE.axes.items() if axis.log}
METRIC = "error"


class Native(Protocol):
    def ask(self) -> Mapping[str, Any]: ...
    def tell(self, error: float) -> None: ...


class Optuna:
    def __init__(self, sampler: str, **options: Any) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=0, **options))

    def ask(self) -> Mapping[str, Any]:
        self.trial = self.study.ask()
        values: dict[str, Any] = {name: self.trial.suggest_int(name, *bounds) for name, bounds in WHOLE.items()}
        for name, bounds in FLOATS.items():
            values[name] = self.trial.suggest_float(name, *bounds, log=name in LOGARITHMIC)
        return values

    def tell(self, error: float) -> None:
        self.study.tell(self.trial, error)


class Cmaes:
    """In the unit cube; generations are told whole."""

    def __init__(self, *, margin: bool) -> None:
        import cmaes

        steps = np.array([1 / (axis.high - axis.low) if name in WHOLE else 0.0 for name, axis in SPACE.axes.items()])
        cube, middle = np.array([[0.0, 1.0]] * len(SPACE)), np.full(len(SPACE), 0.5)
        self.margin = margin
        self.optimizer = (
            cmaes.CMAwM(middle, 0.3, cube, steps, seed=0) if margin else cmaes.CMA(middle, 0.3, cube, seed=0)
        )
        self.results: list[tuple[Any, float]] = []

    def ask(self) -> Mapping[str, Any]:
        asked = self.optimizer.ask()
        place, self.solution = asked if self.margin else (asked, asked)
        return SPACE.decode(place)

    def tell(self, error: float) -> None:
        self.results.append((self.solution, error))
        if len(self.results) == self.optimizer.population_size:
            self.optimizer.tell(self.results)
            self.results = []


class Hyperopt:
    """What `fmin` does between two evaluations."""

    def __init__(self, algorithm: str) -> None:
        with without_side_effects():
            import hyperopt
            from hyperopt.base import Domain

        space = {name: hyperopt.hp.quniform(name, *bounds, 1) for name, bounds in WHOLE.items()}
        for name, (low, high) in FLOATS.items():
            space[name] = (
                hyperopt.hp.loguniform(name, math.log(low), math.log(high))
                if name in LOGARITHMIC
                else hyperopt.hp.uniform(name, low, high)
            )
        self.suggest = getattr(hyperopt, algorithm).suggest
        self.domain, self.trials, self.rng = Domain(None, space), hyperopt.Trials(), np.random.default_rng(0)
        self.running, self.done = hyperopt.JOB_STATE_RUNNING, hyperopt.JOB_STATE_DONE

    def ask(self) -> Mapping[str, Any]:
        seed = self.rng.integers(2**31 - 1)
        [self.trial] = self.suggest(self.trials.new_trial_ids(1), self.domain, self.trials, seed)
        self.trial["state"] = self.running
        self.trials.insert_trial_docs([self.trial])
        self.trials.refresh()
        return {name: value[0] for name, value in self.trial["misc"]["vals"].items()}

    def tell(self, error: float) -> None:
        self.trial["result"] = {"loss": error, "status": "ok"}
        self.trial["state"] = self.done
        self.trials.refresh()


class Nevergrad:
    def __init__(self, optimizer: str) -> None:
        with without_side_effects():
            import nevergrad as ng

        declared = {n: ng.p.Scalar(lower=low, upper=high).set_integer_casting() for n, (low, high) in WHOLE.items()}
        declared |= {
            n: (ng.p.Log if n in LOGARITHMIC else ng.p.Scalar)(lower=b[0], upper=b[1]) for n, b in FLOATS.items()
        }
        parameters = ng.p.Dict(**declared)
        parameters.random_state = np.random.RandomState(0)
        self.optimizer = ng.optimizers.registry[optimizer](parameters, budget=100, num_workers=2)

    def ask(self) -> Mapping[str, Any]:
        self.candidate = self.optimizer.ask()
        values: Mapping[str, Any] = self.candidate.value
        return values

    def tell(self, error: float) -> None:
        self.optimizer.tell(self.candidate, error)


class Smac:
    def __init__(self, facade: str) -> None:
        with without_side_effects():
            import smac
            from ConfigSpace import ConfigurationSpace, Float, Integer
            from smac.runhistory import TrialValue

        space = ConfigurationSpace(seed=0)
        space.add([Integer(name, bounds) for name, bounds in WHOLE.items()])
        space.add([Float(name, bounds, log=name in LOGARITHMIC) for name, bounds in FLOATS.items()])
        self.folder, self.value = tempfile.TemporaryDirectory(), TrialValue
        made = getattr(smac, facade)
        scenario = smac.Scenario(space, n_trials=100, deterministic=True, seed=0, output_directory=self.folder.name)
        self.facade = made(
            scenario,
            lambda config, seed=0: 0.0,
            intensifier=made.get_intensifier(scenario, max_config_calls=1),
            logging_level=False,
            overwrite=True,
        )

    def ask(self) -> Mapping[str, Any]:
        self.trial = self.facade.ask()
        return dict(self.trial.config)

    def tell(self, error: float) -> None:
        self.facade.tell(self.trial, self.value(cost=error), save=False)


class SyneTune:
    def __init__(self, searcher: str) -> None:
        from algorithms.adapters.syne_search import downloads

        with without_side_effects(), downloads():
            from syne_tune import config_space as domains
            from syne_tune.backend.trial_status import Trial
            from syne_tune.optimizer.schedulers.single_objective_scheduler import SingleObjectiveScheduler

            space = {name: domains.randint(*bounds) for name, bounds in WHOLE.items()}
            for name, bounds in FLOATS.items():
                space[name] = (domains.loguniform if name in LOGARITHMIC else domains.uniform)(*bounds)
            self.scheduler = SingleObjectiveScheduler(space, metric=METRIC, searcher=searcher, random_seed=0)
        self.make, self.asked = Trial, 0

    def ask(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.scheduler.suggest().config
        self.trial = self.make(trial_id=self.asked, config=config, creation_time=datetime(1970, 1, 1))
        self.asked += 1
        return config

    def tell(self, error: float) -> None:
        self.scheduler.on_trial_complete(self.trial, {METRIC: error})


class Ray:
    def __init__(self, module: str, searcher: str, **options: Any) -> None:
        from importlib import import_module

        with without_side_effects():
            from ray import tune

            made = getattr(import_module(f"ray.tune.search.{module}"), searcher)
        space = {name: tune.randint(low, high + 1) for name, (low, high) in WHOLE.items()}
        for name, bounds in FLOATS.items():
            space[name] = (tune.loguniform if name in LOGARITHMIC else tune.uniform)(*bounds)
        if module == "bayesopt":  # It knows uniform floats only.
            space = {name: tune.uniform(0.0, 1.0) for name in SPACE}
        self.cube, self.asked = module == "bayesopt", 0
        self.searcher = made(**options)
        self.searcher.set_search_properties(METRIC, "min", space)

    def ask(self) -> Mapping[str, Any]:
        self.asked += 1
        values: Mapping[str, Any] = self.searcher.suggest(str(self.asked))
        return SPACE.decode(np.array([values[name] for name in SPACE])) if self.cube else values

    def tell(self, error: float) -> None:
        self.searcher.on_trial_complete(str(self.asked), {METRIC: error})


SYNE_TUNE = {"random": "random_search", "tpe": "kde", "rea": "regularized_evolution"}
NATIVES: Mapping[str, Callable[[], Native]] = {
    "searcher optuna tpe": partial(Optuna, "TPESampler"),
    "searcher optuna gp": partial(Optuna, "GPSampler"),
    "searcher optuna cmaes": partial(Optuna, "CmaEsSampler"),
    "searcher optuna random": partial(Optuna, "RandomSampler"),
    "searcher optuna qmc": partial(Optuna, "QMCSampler", scramble=True),
    "searcher cmaes cma": partial(Cmaes, margin=False),
    "searcher cmaes margin": partial(Cmaes, margin=True),
    **{f"searcher hyperopt {name}": partial(Hyperopt, name) for name in ("tpe", "anneal", "rand")},
    "searcher nevergrad ngopt": partial(Nevergrad, "NGOpt"),
    "searcher nevergrad one_plus_one": partial(Nevergrad, "OnePlusOne"),
    "searcher nevergrad de": partial(Nevergrad, "TwoPointsDE"),
    "searcher nevergrad pso": partial(Nevergrad, "PSO"),
    "searcher nevergrad cma": partial(Nevergrad, "CMA"),
    "searcher smac rf": partial(Smac, "HyperparameterOptimizationFacade"),
    "searcher smac gp": partial(Smac, "BlackBoxFacade"),
    "searcher smac random": partial(Smac, "RandomFacade"),
    **{
        f"searcher syne_tune {name}": partial(SyneTune, SYNE_TUNE.get(name, name))
        for name in ("random", "tpe", "rea", "bore", "cqr", "botorch")
    },
    "searcher ray_tune optuna": partial(Ray, "optuna", "OptunaSearch", seed=0),
    "searcher ray_tune hyperopt": partial(Ray, "hyperopt", "HyperOptSearch", random_state_seed=0),
    "searcher ray_tune bayesopt": partial(Ray, "bayesopt", "BayesOptSearch", random_state=0),
}
