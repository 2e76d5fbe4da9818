"""Optuna (Akiba et al., 2019): its samplers as searchers, its pruners as schedulers."""

from __future__ import annotations

import difflib
import inspect
import logging
import math
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import Trial, TrialState

from algorithms.adapters.tickets import Tickets
from algorithms.adapters.translation import Coordinate, Translation
from algorithms.options import check_whole
from algorithms.roles import Searcher
from objectives.space import FIDELITY, Config, Space

SAMPLERS: Mapping[str, str] = {
    "tpe": "TPESampler",
    "gp": "GPSampler",
    "cmaes": "CmaEsSampler",
    "random": "RandomSampler",
    "qmc": "QMCSampler",
}
PRUNERS: Mapping[str, str] = {
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "successive_halving": "SuccessiveHalvingPruner",
    "hyperband": "HyperbandPruner",
    "patient": "PatientPruner",
    "threshold": "ThresholdPruner",
}
UNCONDITIONAL: Mapping[str, str] = {
    "cmaes": "values that do not count are drawn and dropped",
    "gp": "what not every trial has is drawn at random",
    "qmc": "what not every trial has is drawn at random",
}
NOT_OPTIONS = frozenset(
    {"seed", "constraints_func", "gamma", "independent_sampler", "source_trials", "weights", "wrapped_pruner", "x0"}
    | {"warn_asynchronous_seeding", "warn_independent_sampling"}
)
"""Arguments that we give, and those that a suite cannot write: functions, samplers, trials."""


class OptunaSearcher:
    """A sampler of Optuna in a study of its own, by ask and tell.

    Hyperparameters are declared as Optuna's own distributions and suggested one after the other, those
    that count only, as in Optuna's "define by run". Proposals without a result are running trials, a
    crashed one has failed: no sampler learns from it. The default configuration is enqueued.

    TPE knows conditional spaces: it models jointly what every trial has and the rest one by one, or all
    of it by groups (`options = {"group": True}`). `gp` and `qmc` draw at random what not every trial
    has. `cmaes` is given all hyperparameters always: where trials differ in theirs, Optuna 5.0.0 told
    its evolution strategy vectors of two lengths (ValueError). It draws categoricals at random.

    The package greenlet, where it is installed, changes the last digits of `gp` (its local searches are
    evaluated together) and takes 0.6 of the processor time: install it for all runs or none.

    Of a configuration that is trained further and further it learns the first result; but it learns
    whole curves under `OptunaPruner`, which works in the same study.

    Differs from Optuna's defaults: `qmc` is scrambled, else every repetition would be the same.

    Attributes:
        lacks: property -> why this sampler does not have it in this space.

    Args:
        config_space: the space.
        rng: gives the sampler's seed, and nothing else is drawn from it.
        initial_config: tried first.
        sampler: "tpe", "gp", "cmaes", "random" or "qmc".
        options: arguments of the sampler's class by name, Optuna's own defaults otherwise.

    Raises:
        ValueError: an unknown sampler, or an option that it has not, refuses or has deprecated.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        sampler: str = "tpe",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        seed = int(rng.integers(2**31 - 1))
        given = {"seed": seed, "scramble": True}
        made: BaseSampler = _built("sampler", sampler, SAMPLERS, optuna.samplers, options, given)
        self.adaptive = sampler != "random"
        self.lacks = {"fidelity": "told as complete at the first result"}
        if config_space.conditions and sampler in UNCONDITIONAL:
            self.lacks["conditions"] = UNCONDITIONAL[sampler]
        if sampler == "cmaes":
            self.lacks["pending"] = "draws are independent of those without a result"
        self.everything = sampler == "cmaes"
        self.translation = Translation(config_space)
        self.initial_config = None if initial_config is None else dict(initial_config)
        self.tickets = Tickets()
        self.study = _study(made, seed)
        if self.initial_config is not None:
            declare = self.translation.complete if self.everything else self.translation.outward
            self.study.enqueue_trial(declare(self.initial_config))

    def sample_configuration(self) -> Config:
        values: dict[str, Any] = {}
        with _silence():
            trial = self.study.ask()
            for coordinate in self.translation.coordinates:
                if self.everything or coordinate.condition is None or coordinate.condition.holds(values):
                    values[coordinate.name] = _suggest(trial, coordinate)
        config = self.translation.inward(values)
        if self.initial_config is not None:  # A quantile there and back may miss the value by a rounding.
            config, self.initial_config = self.initial_config, None
        self.tickets.issue(config, trial)
        return dict(config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        trial = self.tickets.settle(config)
        if trial is not None:
            with _silence():
                _finish(self.study, trial, error)

    def serve(self, pruner: BasePruner) -> Study:
        """The study, for a scheduler that reports and finishes all its trials."""
        self.study.pruner = pruner
        self.lacks.pop("fidelity", None)
        return self.study

    def release(self, config: Config) -> Trial:
        """Hand the trial of a proposal over to the scheduler."""
        trial: Trial = self.tickets.settle(config)
        return trial


class OptunaPruner:
    """A pruner of Optuna as a stopping rule: train on while it does not say stop.

    After every `interval` epochs a trial reports its error; the pruner is asked, as Optuna's
    documentation does it, after the last epoch too. A trial that it stops is told as pruned, one
    trained to the end as complete, a crashed one as failed. Trials that go on come before new ones.

    With an `OptunaSearcher` there is one study, so that the sampler sees intermediate errors and pruned
    trials as in `study.optimize`. Any other searcher is told every result, and the study here holds
    trials without parameters: pruners look at errors only.

    Differs from Optuna's defaults: `max_resource` of hyperband is `max_epochs`, not the length of the
    first complete trial, before which it would prune nothing. Hyperband puts a trial into a bracket by
    the name of its study: it is drawn from `rng`, so brackets repeat with the seed and differ between
    repetitions.

    Args:
        searcher: proposes configurations, and is told every result.
        max_epochs: a full training.
        rng: the study's name is drawn from it, unless the searcher has one.
        pruner: "median", "percentile" (needs `percentile`), "successive_halving", "hyperband", "patient"
            (needs `patience`) or "threshold" (needs `lower` or `upper`).
        interval: epochs between reports, >= 1.
        options: arguments of the pruner's class by name, in epochs where it says steps.

    Raises:
        ValueError: an unknown pruner, an interval < 1, or an option that the pruner has not, needs,
            refuses or has deprecated.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        max_epochs: int,
        rng: np.random.Generator,
        pruner: str = "median",
        interval: int = 1,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        check_whole("interval", interval, 1)
        given = {"max_resource": max_epochs, "wrapped_pruner": None}
        made: BasePruner = _built("pruner", pruner, PRUNERS, optuna.pruners, options, given)
        self.searcher, self.max_epochs, self.interval = searcher, max_epochs, interval
        self.shared = searcher if isinstance(searcher, OptunaSearcher) else None
        self.study = self.shared.serve(made) if self.shared else _study(None, int(rng.integers(2**31 - 1)), made)
        self.going_on: deque[tuple[Config, Trial]] = deque()
        self.training: list[tuple[Config, Trial]] = []

    def suggest(self) -> Config | None:
        if self.going_on:
            return self._train(*self.going_on.popleft())
        config = self.searcher.sample_configuration()
        if config is None:
            return None
        first = {**config, FIDELITY: min(self.interval, self.max_epochs)}
        return self._train(first, self._enrol(config))

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(config, error, additional_info=info)
        trial = self._take(config)
        epoch = int(config[FIDELITY])
        with _silence():
            if math.isfinite(error):
                trial.report(error, epoch)
            if math.isfinite(error) and trial.should_prune():
                self.study.tell(trial, state=TrialState.PRUNED)
            elif math.isfinite(error) and epoch < self.max_epochs:
                following = {**config, FIDELITY: min(epoch + self.interval, self.max_epochs)}
                self.going_on.append((following, trial))
            else:
                _finish(self.study, trial, error)

    def _enrol(self, config: Config) -> Trial:
        if self.shared:
            return self.shared.release(config)
        with _silence():
            return self.study.ask()

    def _train(self, config: Config, trial: Trial) -> Config:
        self.training.append((dict(config), trial))
        return config

    def _take(self, config: Config) -> Trial:
        """The trial that was trained: the earliest one, where two train the same."""
        place = [training for training, _ in self.training].index(dict(config))
        return self.training.pop(place)[1]


def _study(sampler: BaseSampler | None, number: int, pruner: BasePruner | None = None) -> Study:
    """A study in memory; its name decides hyperband's brackets. Without a sampler there is nothing to draw."""
    with _silence():
        return optuna.create_study(
            study_name=f"incumbent-{number}", sampler=sampler or optuna.samplers.RandomSampler(0), pruner=pruner
        )


def _suggest(trial: Trial, coordinate: Coordinate) -> Any:
    name, low, high = coordinate.name, coordinate.low, coordinate.high
    if coordinate.kind == "categorical":
        return trial.suggest_categorical(name, coordinate.choices)
    if coordinate.kind == "int":
        return trial.suggest_int(name, low, high, log=coordinate.log)
    return trial.suggest_float(name, low, high, log=coordinate.log)


def _finish(study: Study, trial: Trial, error: float) -> None:
    if math.isfinite(error):
        study.tell(trial, error)
    else:
        study.tell(trial, state=TrialState.FAIL)


@contextmanager
def _silence() -> Iterator[None]:
    """No log records and warnings of Optuna while it is called: 7 microseconds.

    The level comes back after, so that nobody else's Optuna falls silent.
    """
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _built(
    role: str,
    name: str,
    known: Mapping[str, str],
    module: Any,
    options: Mapping[str, Any] | None,
    given: Mapping[str, Any],
) -> Any:
    """An object of Optuna from its short name, a suite's options, and what we give where it is taken."""
    if name not in known:
        raise ValueError(f"{role} = {name!r}: not one of {', '.join(known)}{_nearest(name, known)}")
    options = {} if options is None else options
    make = getattr(module, known[name])
    taken = inspect.signature(make).parameters
    _check(name, options, taken)
    mute = taken.get("warn_independent_sampling")
    if mute is not None and mute.default is True:  # TPE has deprecated it, and does not warn.
        given = {**given, "warn_independent_sampling": False}
    try:
        with _silence():
            warnings.simplefilter("error", FutureWarning)  # How Optuna deprecates: some arguments have no effect.
            return make(**{key: value for key, value in given.items() if key in taken} | dict(options))
    except (FutureWarning, TypeError, ValueError) as error:
        raise ValueError(f"options = {dict(options)!r}: {known[name]} refuses them: {error}") from error


def _check(name: str, options: Mapping[str, Any], taken: Mapping[str, inspect.Parameter]) -> None:
    """Refuse options that a sampler or pruner has not, lacks, or has of another type."""
    ours = {key: parameter for key, parameter in taken.items() if key not in NOT_OPTIONS}
    if not isinstance(options, Mapping):
        raise ValueError(f"options = {options!r}: need a table of arguments of {name}, one of {', '.join(ours)}")
    for key, value in options.items():
        if key not in ours:
            raise ValueError(f"options: {name} has no {key!r}, only {', '.join(ours)}{_nearest(key, ours)}")
        kind = type(ours[key].default)
        if kind in (bool, int) and type(value) is not kind:
            raise ValueError(
                f"options: {key} = {value!r}: need {'true or false' if kind is bool else 'a whole number'}"
            )
        if kind is float and type(value) not in (int, float):
            raise ValueError(f"options: {key} = {value!r}: need a number")
    for key, parameter in ours.items():
        if parameter.default is parameter.empty and key not in options:
            raise ValueError(f"options: {name} needs {key!r}")


def _nearest(name: Any, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
