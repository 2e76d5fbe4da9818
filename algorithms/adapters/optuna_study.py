"""Studies, trials and options of Optuna (Akiba et al., 2019), for its samplers and its pruners."""

from __future__ import annotations

import difflib
import inspect
import logging
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import Trial, TrialState

from algorithms.interop.space_translation import Coordinate

NOT_OPTIONS = frozenset(
    {"seed", "constraints_func", "gamma", "independent_sampler", "source_trials", "weights", "wrapped_pruner", "x0"}
    | {"warn_asynchronous_seeding", "warn_independent_sampling", "crossover", "mutation", "reference_points"}
    | {"after_trial_strategy", "child_generation_strategy", "elite_population_selection_strategy"}
)
"""Arguments that we set, and those that a suite file cannot express: functions, samplers, trials."""


def create_study(
    sampler: BaseSampler | None, number: int, pruner: BasePruner | None = None, n_metrics: int = 1
) -> Study:
    """Create a study in memory, whose name decides Hyperband's brackets; without a sampler nothing is drawn."""
    with silent_optuna():
        return optuna.create_study(
            study_name=f"incumbent-{number}",
            sampler=sampler or optuna.samplers.RandomSampler(0),
            pruner=pruner,
            directions=["minimize"] * n_metrics,
        )


def suggest_value(trial: Trial, coordinate: Coordinate) -> Any:
    """Ask a trial for its value of one hyperparameter."""
    name, low, high = coordinate.name, coordinate.low, coordinate.high
    if coordinate.kind == "categorical":
        return trial.suggest_categorical(name, coordinate.choices)
    if coordinate.kind == "int":
        return trial.suggest_int(name, low, high, log=coordinate.log)
    return trial.suggest_float(name, low, high, log=coordinate.log)


def tell_result(study: Study, trial: Trial, errors: Sequence[float], excesses: Sequence[float] = ()) -> None:
    """Finish a trial: complete, or failed when its training crashed or something that counts was not measured.

    Args:
        study: the trial's.
        trial: to finish.
        errors: of every metric of the study.
        excesses: by how much each bound of each constraint is exceeded.
    """
    if not all(map(math.isfinite, (*errors, *excesses))):
        study.tell(trial, state=TrialState.FAIL)
        return
    for number, amount in enumerate(excesses):
        trial.set_constraint(str(number), amount)
    study.tell(trial, list(errors))


@contextmanager
def silent_optuna() -> Iterator[None]:
    """Suppress log records and warnings of Optuna while it is called, which takes 7 microseconds.

    The log level is restored afterwards, for anyone else who uses Optuna in this process.
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


def build_from_options(
    role: str,
    name: str,
    names: Mapping[str, str],
    module: Any,
    options: Mapping[str, Any] | None,
    fixed: Mapping[str, Any],
) -> Any:
    """Build a sampler or pruner from its short name, a suite's options, and our arguments where it takes them."""
    if name not in names:
        raise ValueError(f"{role} = {name!r}: not one of {', '.join(names)}{nearest_name(name, names)}")
    options = {} if options is None else options
    make = getattr(module, names[name])
    taken = inspect.signature(make).parameters
    check_options(name, options, taken)
    mute = taken.get("warn_independent_sampling")
    if mute is not None and mute.default is True:  # TPE has deprecated it, and does not warn.
        fixed = {**fixed, "warn_independent_sampling": False}
    try:
        with silent_optuna():
            warnings.simplefilter("error", FutureWarning)  # How Optuna deprecates: some arguments have no effect.
            return make(**{key: value for key, value in fixed.items() if key in taken} | dict(options))
    except (FutureWarning, TypeError, ValueError) as error:
        raise ValueError(f"options = {dict(options)!r}: {names[name]} refuses them: {error}") from error


def check_options(name: str, options: Mapping[str, Any], taken: Mapping[str, inspect.Parameter]) -> None:
    """Refuse options that a sampler or pruner does not have, required ones that are missing, and wrong types."""
    allowed = {key: parameter for key, parameter in taken.items() if key not in NOT_OPTIONS}
    if not isinstance(options, Mapping):
        raise ValueError(f"options = {options!r}: need a table of arguments of {name}, one of {', '.join(allowed)}")
    for key, value in options.items():
        if key not in allowed:
            raise ValueError(f"options: {name} has no {key!r}, only {', '.join(allowed)}{nearest_name(key, allowed)}")
        kind = type(allowed[key].default)
        if kind in (bool, int) and type(value) is not kind:
            raise ValueError(
                f"options: {key} = {value!r}: need {'true or false' if kind is bool else 'a whole number'}"
            )
        if kind is float and type(value) not in (int, float):
            raise ValueError(f"options: {key} = {value!r}: need a number")
    for key, parameter in allowed.items():
        if parameter.default is parameter.empty and key not in options:
            raise ValueError(f"options: {name} needs {key!r}")


def nearest_name(name: Any, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(names), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
