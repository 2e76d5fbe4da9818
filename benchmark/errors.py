"""How bad input is refused: one message with the field, the value, what is allowed, the nearest match, the remedy."""

from __future__ import annotations

import difflib
import inspect
import os
import reprlib
import shlex
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Older Pythons than ours come as far as this module, to be refused.
    from types import UnionType

_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = 200
_BRIEF.maxlong = 60
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxset = _BRIEF.maxdict = 8


PROGRAM = "incumbent"
"""The program that an installation has, and the module that it starts."""


PACKAGES = ("algorithms", "analysis", "benchmark", "objectives")
OLDEST_PYTHON = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 (start-up is to be short)


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


def run_program(main: Callable[[], int]) -> int:
    """Call the `main` of a program; one message where this Python is too old or lacks what it imports.

    Returns:
        Its exit code, or 2 with the message.
    """
    problem: str | None = None
    if sys.version_info < OLDEST_PYTHON:
        needed, running = ".".join(map(str, OLDEST_PYTHON)), sys.version.split()[0]
        problem = f"Python {needed} or newer is needed, {sys.executable} is {running}; {_working_python()}"
    try:
        if problem is None:
            return main()
    except ImportError as error:
        problem = _describe_import(error)
        if problem is None:
            raise
    print(f"error: {problem}", file=sys.stderr)
    return 2


def _describe_import(error: ImportError) -> str | None:
    """What an import of our own that failed shows of the installation; None where it shows nothing."""
    top = str(error.name).partition(".")[0]
    if top not in PACKAGES:
        if not error.name or error.path:  # The package is there.
            return None
        return f"the package {top!r} is not installed for {sys.executable}; {_working_python()}"
    there = getattr(sys.modules.get(top), "__file__", None) or ""
    if there.startswith(os.path.join(ROOT, top)):  # noqa: PTH118 (str in, str out)
        return None
    remedy = f"give it another name, or use the program `{PROGRAM}` (`python -m {PROGRAM}`), which looks here last"
    return f"{there or f'a folder {top}'} is found in the place of the harness's {top!r} in {ROOT}; {remedy}"


def _working_python() -> str:
    """How to call the same command so that it works."""
    venv = os.path.join(ROOT, ".venv", "bin", "python")  # noqa: PTH118 (str in, str out)
    in_checkout = os.path.exists(os.path.join(ROOT, "Makefile"))  # noqa: PTH110, PTH118
    folder, file = os.path.split(sys.argv[0])
    words = ["-m", os.path.basename(folder) if file == "__main__.py" else PROGRAM, *sys.argv[1:]]  # noqa: PTH119
    if in_checkout and os.path.exists(venv) and venv != sys.executable:  # noqa: PTH110
        return f"use {' '.join(map(shlex.quote, [_program_here(venv, 'python'), *words]))}"
    if in_checkout:
        return f"install everything by `make setup` in {ROOT}, then use .venv/bin/python there"
    return f"install incumbent with its requirements, and use the program `{PROGRAM}`"


def shell_command(package: str, *words: str) -> str:
    """The line that calls a command of ours as this process was called, to be pasted into a shell here.

    Args:
        package: "benchmark" or "analysis"; the program `incumbent` has the commands of both.
        words: the command and its arguments.
    """
    if _called() == PROGRAM:
        return shlex.join([_program_here(sys.argv[0], PROGRAM), *words])
    return python_command("-m", called_module(package), *words)


def python_command(*words: str) -> str:
    """The line that calls this process's Python, to be pasted into a shell here."""
    return shlex.join([_program_here(sys.executable, "python"), *words])


def called_module(package: str) -> str:
    """The module that `python -m` starts for a command of a package: `incumbent`, if this process is one."""
    return PROGRAM if _called() in (PROGRAM, f"{PROGRAM}.py") else package


def install_command(extra: str) -> str:
    """The command that installs the libraries of an extra."""
    from objectives import registry  # Older Pythons, which this module refuses, cannot import it.

    return registry.install_command(extra)


def _called() -> str:
    return os.path.basename(sys.argv[0]) if sys.argv else ""  # noqa: PTH119 (any text)


def _program_here(path: str, name: str) -> str:
    """How a shell in this folder calls a program: by its bare name where that is the one, else by its path."""
    for bare in dict.fromkeys((name, os.path.basename(path))):  # noqa: PTH119 (str in, str out)
        program = shutil.which(bare)
        if program is not None and os.path.dirname(os.path.abspath(program)) == os.path.dirname(path):  # noqa: PTH100, PTH120
            return bare
    try:
        folder = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 (with a slash at its end)
    except OSError:  # It was removed.
        return path
    return path.removeprefix(folder)


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
    field: str,
    function: Callable[..., Any],
    options: Mapping[str, Any],
    offered: Mapping[str, Any],
    further: Iterable[str] = (),
) -> Any:
    """Call `function` with the user's options, and with those of the offered arguments it takes.

    Args:
        field: what to call the function in a message.
        function: any callable with named parameters.
        options: the user's own arguments; each must be a parameter and not one of the offered.
        offered: arguments the harness can supply, by parameter name.
        further: keys that may stand beside the options, for the message on one that is misspelt.

    Raises:
        BadInput: an unknown or reserved option, a required parameter that nobody supplies, or
            whatever the function itself raises: it may be third-party code.
    """
    check_options(field, function, options, offered, further)
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


def check_options(
    field: str,
    function: Callable[..., Any],
    options: Mapping[str, Any],
    offered: Iterable[str],
    further: Iterable[str] = (),
) -> None:
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
        reject_unknown_keys(field, options, [*settable, *further])
    for name in settable:
        if parameters[name].default is inspect.Parameter.empty and name not in options:
            raise BadInput(f"{field}.{name}: missing, and it has no default")


def parameters_of(field: str, function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The parameters of a callable, by name.

    Raises:
        BadInput: they are not to be found out, as for some functions written in C.
    """
    try:
        return _signature(function).parameters
    except (ValueError, TypeError) as error:
        raise BadInput(f"{field}: {error}; need a class or function with named parameters") from error


_remembered_signature = lru_cache(maxsize=256)(inspect.signature)


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return a callable's signature, remembered for the runs to come: finding it takes longer than most look-ups."""
    try:
        return _remembered_signature(function)
    except TypeError:  # Somebody's callable object may have no hash.
        return inspect.signature(function)


def require_value(table: Mapping[str, Any], key: str, kind: type | UnionType) -> Any:
    """What a table has under a key, if it is of a kind; a boolean is no number.

    Raises:
        BadInput: missing, or of another kind.
    """
    value = table.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadInput(f"{key} = {value!r}: need a value of type {getattr(kind, '__name__', kind)}")
    return value


def is_finite(value: Any) -> bool:
    """Whether a number is one that a double holds."""
    return type(value) in (int, float) and abs(value) <= sys.float_info.max
