"""Optuna (Akiba et al., 2019): its samplers as searchers, its pruners as schedulers."""

from __future__ import annotations

import difflib
import inspect
import logging
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
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
    | {"warn_asynchronous_seeding", "warn_independent_sampling"}
)
"""Arguments that we give, and those that a suite cannot write: functions, samplers, trials."""


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
