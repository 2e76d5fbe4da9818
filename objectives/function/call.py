"""How a function is called with a configuration: by the names of its parameters."""

from __future__ import annotations

import difflib
import functools
import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from objectives.metric import usual_goal
from objectives.native_value import native_scalar, single_value
from objectives.objective import Machine
from objectives.space import Config, Space

EPOCH_NAMES = ("epochs", "max_epochs")
"""Parameters that are given the number of epochs to train."""

OFFERED = ("seed", *EPOCH_NAMES, "device", "data")
"""Parameters that the harness gives a function which has them; a hyperparameter of that name comes first."""


class FunctionCall:
    """Calls a function with hyperparameters by name, and with what else it has parameters for.

    Args:
        name: of the function, for messages.
        function: any callable whose parameters are known.
        space: of the configurations; `optimizer.lr` is the argument `optimizer_lr`.
        constants: arguments that every call has.

    Attributes:
        takes: what of `OFFERED` the function is given.
        yields: whether it is a generator function.

    Raises:
        ValueError: the function and the space do not fit each other.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], space: Space, constants: Mapping[str, Any] | None = None
    ) -> None:
        self.name, self.function = name, function
        self.names, self.constants = dict(space.arguments), dict(constants or {})
        if _is_asynchronous(function):
            raise ValueError(f"{name} is asynchronous, nothing awaits it; name a function that calls asyncio.run")
        parameters = _parameters(name, function)
        for argument in self.constants:
            if argument in self.names.values():
                raise ValueError(f"{argument}: a hyperparameter of the space cannot have a fixed value too")
        supplied = {*self.names.values(), *self.constants}
        self._check(parameters, supplied, space)
        named = {name for name, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD}
        self.takes = tuple(name for name in OFFERED if name in named and name not in supplied)
        self.default_epochs = next((parameters[name].default for name in EPOCH_NAMES if name in self.takes), None)
        self.yields = _is_generator_function(function)

    @property
    def takes_epochs(self) -> bool:
        """Return whether the function is told how many epochs to train."""
        return any(name in self.takes for name in EPOCH_NAMES)

    def __call__(self, config: Config, seed: np.random.SeedSequence, epochs: int, machine: Machine) -> Any:
        """Call the function; what it returns is as it comes."""
        offered = offer(seed, epochs, machine)
        hyperparameters = {self.names[name]: value for name, value in config.items()}
        return self.function(**hyperparameters, **self.constants, **{name: offered[name] for name in self.takes})

    def _check(self, parameters: Mapping[str, inspect.Parameter], supplied: set[str], space: Space) -> None:
        """Refuse a hyperparameter that the function does not take, and a parameter that nobody gives."""
        by_position = [name for name, parameter in parameters.items() if parameter.kind is parameter.POSITIONAL_ONLY]
        if by_position:
            raise ValueError(f"{self.name} takes {by_position[0]} by position alone, but it is called by names")
        kinds = {parameter.kind for parameter in parameters.values()}
        named = [name for name, parameter in parameters.items() if parameter.kind in _BY_NAME]
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            for argument in sorted(supplied - set(named)):
                takes = ", ".join(named) or "nothing"
                hint = _nearest(argument, named)
                raise ValueError(
                    f"{argument}: {self.name} has no such parameter, it takes {takes}{hint}; "
                    "rename one of the two, or take it out of the space"
                )
        for name in named:
            if name not in supplied and name not in OFFERED and parameters[name].default is inspect.Parameter.empty:
                raise ValueError(
                    f"{name}: a parameter of {self.name} that the space lacks, it has {', '.join(space)}"
                    f"{_nearest(name, space.arguments.values())}; add it to the space, or give it a default"
                )
        for hyperparameter in space.conditions:
            argument = space.arguments[hyperparameter]
            if argument in named and parameters[argument].default is inspect.Parameter.empty:
                raise ValueError(f"{argument}: not every configuration has it; give the parameter a default")


def offer(seed: np.random.SeedSequence, epochs: int, machine: Machine) -> dict[str, Any]:
    """The values of everything in `OFFERED`; a seed fits into 32 bits, since many libraries want no more."""
    numbers = {"seed": int(seed.generate_state(1)[0]), "epochs": epochs, "max_epochs": epochs}
    return {**numbers, "device": machine.device, "data": machine.data}


def call_unbound(
    function: Callable[..., Any], arguments: Mapping[str, Any], offered: Mapping[str, Any], epochs: int | None
) -> Any:
    """Call a function of which no space is known; what it returns, or yields last, is as it comes.

    Args:
        function: as `FunctionObjective` takes it.
        arguments: of the call, by name.
        offered: further ones, for parameters of these names.
        epochs: results to draw where it yields; None: all of them.
    """
    names = parameter_names(function)
    further = {name: value for name, value in offered.items() if name in names and name not in arguments}
    returned = function(**arguments, **further)
    return _last_of(returned, epochs) if isinstance(returned, Iterator) else returned


def parameter_names(function: Callable[..., Any]) -> frozenset[str]:
    """The names of a function's parameters; none of a function written in C that tells nothing of them."""
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()


def error_of(returned: Any) -> float:
    """What a function returned as something to minimise: a number, the first metric of a mapping, or of a pair.

    Raises:
        TypeError, ValueError: it is no number.
    """
    returned = _validation_part(returned)
    goal = "min"
    if isinstance(returned, Mapping):
        name, returned = next(iter(returned.items()), ("", None))
        goal = usual_goal(str(name))
    single = single_value(returned)
    if isinstance(single, bool):
        raise ValueError(f"the objective returned {returned!r}: need a number; a truth value is none")
    error = float(single)
    return math.inf if math.isnan(error) else error if goal == "min" else -error


def metrics_of(returned: Any) -> dict[str, float]:
    """Extract the metrics that a function returned: of a mapping or a pair's first part; a number is the error."""
    returned = _validation_part(returned)
    if not isinstance(returned, Mapping):
        return {"error": error_of(returned)}
    values = {str(name): native_scalar(value) for name, value in returned.items()}
    return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}


def _validation_part(returned: Any) -> Any:
    """The first part of a pair of validation and test; anything else is for validation."""
    return returned[0] if isinstance(returned, tuple | list) and len(returned) == 2 else returned


def _last_of(results: Iterator[Any], epochs: int | None) -> Any:
    """Draw so many results, or all, and return the last one; what is left is closed."""
    last = None
    try:
        for last in itertools.islice(results, epochs):  # noqa: B007 (only the last one counts)
            pass
    finally:
        close = getattr(results, "close", None)
        if callable(close):
            close()
    return last


_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _parameters(name: str, function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}; need a function with named parameters") from error


def _is_generator_function(function: Callable[..., Any]) -> bool:
    """Return whether calling it gives a generator."""
    return any(map(inspect.isgeneratorfunction, _written(function)))


def _is_asynchronous(function: Callable[..., Any]) -> bool:
    kinds = inspect.iscoroutinefunction, inspect.isasyncgenfunction
    return any(is_kind(written) for is_kind in kinds for written in _written(function))


def _written(function: Callable[..., Any]) -> tuple[Any, Any]:
    """Find the function as it was written, inside decorators, partial applications and callable instances."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    return function, getattr(function, "__call__", None)  # noqa: B004


def _nearest(name: str, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f' (did you mean "{close[0]}"?)' if close else ""
