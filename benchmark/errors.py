"""How bad input is refused: one message with the field, the value, what is allowed, the nearest match."""

from __future__ import annotations

import difflib
import inspect
import reprlib
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from types import UnionType
from typing import Any

_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = 200
_BRIEF.maxlong = 60
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxset = _BRIEF.maxdict = 8


class BadInput(ValueError):
    """Something a user wrote that cannot be used; the command line prints it and exits with 2."""


def short_repr(value: object) -> str:
    """`repr(value)`, cut where it would be long or deep, for a message of one line."""
    try:
        return " ".join(_BRIEF.repr(value).splitlines())
    except ValueError:  # An integer of more digits than Python converts.
        return "an integer of thousands of digits"


def one_line(error: BaseException) -> str:
    """Type and text of an exception on one line, even of one whose own text raises."""
    return " ".join("".join(traceback.format_exception_only(error)).split())


def nearest_match(value: object, allowed: Iterable[str]) -> str:
    """` (did you mean "x"?)` for the allowed word most like `value`, or nothing."""
    close = difflib.get_close_matches(str(value), list(allowed), n=1, cutoff=0.5)
    return f' (did you mean "{close[0]}"?)' if close else ""


def require_choice(field: str, value: object, allowed: Iterable[str]) -> str:
    """`value` when it is one of `allowed`.

    Raises:
        BadInput: when it is not.
    """
    words = list(allowed)
    if isinstance(value, str) and value in words:
        return value
    raise BadInput(f"{field} = {short_repr(value)}: not one of {', '.join(words)}{nearest_match(value, words)}")


def require_int(field: str, value: object, low: int, high: int) -> int:
    """`value` when it is an integer in low..high; a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(f"{field} = {short_repr(value)}: need a whole number in {low}..{high}")
    return value


def reject_unknown_keys(field: str, table: Mapping[str, object], allowed: Iterable[str]) -> None:
    """Refuse a table with keys other than the allowed ones."""
    words = list(allowed)
    for key in table:
        if key not in words:
            name = key if key.isidentifier() and len(key) < 100 else short_repr(key)
            where = f"{field}.{name}" if field else name
            raise BadInput(f"{where}: unknown key, allowed are {', '.join(words) or 'none'}{nearest_match(key, words)}")


def call_with_options(
    field: str, function: Callable[..., Any], options: Mapping[str, Any], offered: Mapping[str, Any]
) -> Any:
    """Call `function` with the user's options, and with those of the offered arguments it takes.

    Args:
        field: what to call the function in a message.
        function: any callable with named parameters.
        options: the user's own arguments; each must be a parameter and not one of the offered.
        offered: arguments the harness can supply, by parameter name.

    Raises:
        BadInput: an unknown or reserved option, a required parameter that nobody supplies, or
            whatever the function itself raises: it may be third-party code.
    """
    check_options(field, function, options, offered)
    supplied = {name: offered[name] for name in accepted_arguments(field, function, offered)}
    try:
        return function(**supplied, **options)
    except (Exception, SystemExit) as error:
        text = str(error) if type(error) in (ValueError, TypeError, BadInput) else one_line(error)
        raise BadInput(f"{field}: {text}") from error


def accepted_arguments(field: str, function: Callable[..., Any], names: Iterable[str]) -> list[str]:
    """Those of some arguments that a callable takes by name; one with `**kwargs` takes all.

    A class with `**kwargs` may pass them on to a constructor above it that does not take all. Then it is given what
    the constructors name up to the first one without `**kwargs`.

    Raises:
        BadInput: the parameters are not to be found out.
    """
    constructors: list[Any] = [function]
    if isinstance(function, type):
        constructors += [vars(base)["__init__"] for base in function.__mro__[:-1] if "__init__" in vars(base)]
    named: set[str] = set()
    for constructor in constructors:
        parameters = parameters_of(field, constructor)
        named |= set(parameters)
        if not _takes_any_keyword(parameters):
            return [name for name in names if name in named]
    return list(names)


def _takes_any_keyword(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


def check_options(field: str, function: Callable[..., Any], options: Mapping[str, Any], offered: Iterable[str]) -> None:
    """Check the names of the user's options without calling the function.

    Raises:
        BadInput: an unknown or reserved option, or a required parameter that nobody supplies.
    """
    parameters = parameters_of(field, function)
    for name in options:
        if name in offered:
            raise BadInput(f"{field}.{name}: reserved, the harness supplies it")
    settable = [
        name
        for name, parameter in parameters.items()
        if name not in offered and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if not _takes_any_keyword(parameters):
        reject_unknown_keys(field, options, settable)
    for name in settable:
        if parameters[name].default is inspect.Parameter.empty and name not in options:
            raise BadInput(f"{field}.{name}: missing, and it has no default")


def parameters_of(field: str, function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The parameters of a callable, by name.

    Raises:
        BadInput: they are not to be found out, as for some functions written in C.
    """
    try:
        return inspect.signature(function).parameters
    except (ValueError, TypeError) as error:
        raise BadInput(f"{field}: {error}; need a class or function with named parameters") from error


def require_value(table: Mapping[str, Any], key: str, kind: type | UnionType) -> Any:
    """What a table has under a key, if it is of a kind; a boolean is no number.

    Raises:
        BadInput: missing, or of another kind.
    """
    found = table.get(key)
    if not isinstance(found, kind) or isinstance(found, bool):
        raise BadInput(f"{key} = {found!r}: need a value of type {getattr(kind, '__name__', kind)}")
    return found


def is_finite(value: Any) -> bool:
    """Whether a number is one that a double holds."""
    return type(value) in (int, float) and abs(value) <= sys.float_info.max
