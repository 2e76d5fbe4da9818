"""Checks the names and options that a suite gives for a library's methods."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from algorithms.interop.containment import silent

MOST_LISTED = 20
Options = Mapping[str, Any] | None


def find_by_name(field: str, name: str, names: Mapping[str, Any]) -> Any:
    """Look a name up in a table of known ones.

    Raises:
        ValueError: there is none; the message names the nearest.
    """
    if name in names:
        return names[name]
    close = difflib.get_close_matches(str(name), names, 1)
    listed = f"one of {', '.join(names)}" if len(names) <= MOST_LISTED else f"among {len(names)} known ones"
    raise ValueError(f"{field} = {name!r}: not {listed}" + (f"; {close[0]}?" if close else ""))


def option_names(factory: Any, fixed: Collection[str]) -> list[str]:
    """Names of a class's arguments, without those that the adapter sets."""
    return [
        name
        for name, parameter in inspect.signature(factory.__init__).parameters.items()
        if name not in fixed and name != "self" and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]


def check_options(method: str, allowed: Collection[str], options: Options) -> dict[str, Any]:
    """Refuse unknown options and return the others.

    Raises:
        ValueError: one that the method has not.
    """
    for name, value in (options or {}).items():
        if name not in allowed:
            has = ", ".join(allowed) or "none"
            raise ValueError(f"options.{name} = {value!r}: {method} has no such option, it has: {has}")
    return dict(options or {})


@contextmanager
def bad_options_refused(method: str, options: Options) -> Iterator[None]:
    """Turn a library's assertions and type errors about bad options into a ValueError, silently.

    Raises:
        ValueError: in their place, naming the options.
    """
    try:
        with silent():
            yield
    except (AssertionError, TypeError, ValueError) as error:
        raise ValueError(f"options = {dict(options or {})!r}: {method} refuses them ({error})") from error
