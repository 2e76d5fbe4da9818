"""How bad input is refused: one message with the field, the value, what is allowed, the nearest match."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class BadInput(ValueError):
    """Something a user wrote that cannot be used; the command line prints it and exits with 2."""


def nearest(value: object, allowed: Iterable[str]) -> str:
    """` (did you mean "x"?)` for the allowed word most like `value`, or nothing."""
    close = difflib.get_close_matches(str(value), list(allowed), n=1, cutoff=0.5)
    return f' (did you mean "{close[0]}"?)' if close else ""


def known(field: str, value: object, allowed: Iterable[str]) -> str:
    """`value` when it is one of `allowed`.

    Raises:
        BadInput: when it is not.
    """
    words = list(allowed)
    if isinstance(value, str) and value in words:
        return value
    raise BadInput(f"{field} = {value!r}: not one of {', '.join(words)}{nearest(value, words)}")


def whole(field: str, value: object, low: int, high: int) -> int:
    """`value` when it is an integer in low..high; a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(f"{field} = {value!r}: need a whole number in {low}..{high}")
    return value


def only(field: str, table: Mapping[str, object], allowed: Iterable[str]) -> None:
    """Refuse a table with keys other than the allowed ones."""
    words = list(allowed)
    for key in table:
        if key not in words:
            where = f"{field}.{key}" if field else key
            raise BadInput(f"{where}: unknown key, allowed are {', '.join(words)}{nearest(key, words)}")


def call(field: str, function: Callable[..., Any], options: Mapping[str, Any], offered: Mapping[str, Any]) -> Any:
    """Call `function` with the user's options, and with those of the offered arguments it asks for.

    Args:
        field: what to call the function in a message.
        function: any callable with named parameters.
        options: the user's own arguments; each must be a parameter and not one of the offered.
        offered: arguments the harness can supply, by parameter name.

    Raises:
        BadInput: an unknown or reserved option, a required parameter that nobody supplies, or a
            ValueError or TypeError of the function itself.
    """
    parameters = inspect.signature(function).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    settable = [
        name
        for name, parameter in parameters.items()
        if name not in offered and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if not open_ended:
        only(field, options, settable)
    for name in settable:
        if parameters[name].default is inspect.Parameter.empty and name not in options:
            raise BadInput(f"{field}.{name}: missing, and it has no default")
    supplied = {name: value for name, value in offered.items() if name in parameters}
    try:
        return function(**supplied, **options)
    except (ValueError, TypeError) as error:
        raise BadInput(f"{field}: {error}") from error
