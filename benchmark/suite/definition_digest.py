"""Digests of what was defined in a notebook or script, where there is no file whose bytes could be compared."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from benchmark.errors import PACKAGES
from benchmark.reproducibility.source_digests import digest_modules

PLAIN = (bool, int, float, complex, str, bytes, type(None))
INNER = ("fget", "__func__", "__self__", "func", "args", "keywords")
"""What the descriptors and partial functions of the standard library are made of."""
STANDARD_LIBRARY = str(Path(os.__file__).parent)
WITHOUT_MEANING = ("__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__")
"""Entries of a class that decide nothing."""


class _Seen:
    """What a description has come across.

    Attributes:
        order: objects by their identity, with their place in the order of their first mention.
        kept: the same objects, for that of one that has gone may be given to another.
        modules: the names of modules that they belong to.
    """

    def __init__(self) -> None:
        self.order: dict[int, int] = {}
        self.kept: list[Any] = []
        self.modules: set[str] = set()


def digest_definition(definition: Any) -> str:
    """Digest a function, a class or an object, with everything of the user's own that it uses.

    Of a notebook or script the compiled code is read, so comments and line breaks do not count; of a module of the
    user's the whole file. Data count as far as they are plain values, arrays or tables. Libraries do not count.
    """
    seen = _Seen()
    state = definition if _is_code(definition) else [type(definition), _state(definition)]
    described = list(_describe([definition, state], seen))
    modules = digest_modules(sorted(filter(_is_users, seen.modules)))
    described += [f"module {name} {digest}" for name, digest in modules.items()]
    total = hashlib.sha256()
    for part in described:
        total.update(f"{len(part)} {part}\n".encode(errors="surrogatepass"))
    return total.hexdigest()[:16]


def _is_code(value: Any) -> bool:
    return isinstance(value, type | types.FunctionType)


def _is_users(module: str) -> bool:
    """Whether a module is neither of the standard library, nor installed, nor of this harness."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or module == "__main__" or module.partition(".")[0] in PACKAGES:
        return False
    return "site-packages" not in file and not file.startswith(STANDARD_LIBRARY)


def _describe(value: Any, seen: _Seen) -> Iterator[str]:
    if isinstance(value, PLAIN):
        yield f"{type(value).__name__} {value!r}"
    elif id(value) in seen.order:
        yield f"again {seen.order[id(value)]}"
    else:
        seen.order[id(value)] = len(seen.order)
        seen.kept.append(value)
        yield from _describe_once(value, seen)


def _describe_once(value: Any, seen: _Seen) -> Iterator[str]:
    if isinstance(value, types.CodeType):
        yield from _describe_code(value, seen)
    elif isinstance(value, types.FunctionType):
        yield from _describe_function(value, seen)
    elif isinstance(value, type):
        yield from _describe_class(value, seen)
    elif isinstance(value, list | tuple):
        yield type(value).__name__
        for item in value:
            yield from _describe(item, seen)
    elif isinstance(value, set | frozenset):
        yield " ".join([type(value).__name__, *sorted(map(repr, value))])
    elif isinstance(value, Mapping):
        yield "mapping"
        for key, item in value.items():
            yield repr(key)
            yield from _describe(item, seen)
        yield repr(dict(getattr(value, "conditions", {})))  # Of a space.
    else:
        yield from _describe_object(value, seen)


def _describe_code(code: types.CodeType, seen: _Seen) -> Iterator[str]:
    yield code.co_code.hex()
    yield " ".join((*code.co_names, *code.co_varnames, *code.co_freevars))
    for constant in code.co_consts:
        yield from _describe(constant, seen)


def _describe_function(function: types.FunctionType, seen: _Seen) -> Iterator[str]:
    yield f"function {function.__module__}.{function.__qualname__}"
    seen.modules.add(function.__module__)
    if not _is_local(function):
        return
    code = function.__code__
    used = {name: function.__globals__[name] for name in _global_names(code) if name in function.__globals__}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # It is not set yet.
            used[name] = cell.cell_contents
    for part in (code, function.__defaults__, function.__kwdefaults__, used):
        yield from _describe(part, seen)


def _global_names(code: types.CodeType) -> list[str]:
    """Names that the code may look up among the globals, functions inside it included."""
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return sorted({*code.co_names, *(name for part in inner for name in _global_names(part))})


def _describe_class(owner: type, seen: _Seen) -> Iterator[str]:
    yield f"class {owner.__module__}.{owner.__qualname__}"
    seen.modules.add(owner.__module__)
    if not _is_local(owner):
        return
    yield from _describe(owner.__bases__, seen)
    for name, value in vars(owner).items():
        if name not in WITHOUT_MEANING:
            yield name
            yield from _describe(value, seen)


def _describe_object(value: Any, seen: _Seen) -> Iterator[str]:
    """Describe an object by its class, and by its data as far as its class is known or was defined here."""
    yield f"object {type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, property | staticmethod | classmethod | types.MethodType | functools.partial):
        yield from _describe([getattr(value, name, None) for name in INNER], seen)
    elif isinstance(value, np.ndarray | np.generic) or type(value).__module__.startswith("pandas."):
        yield str(joblib.hash(value))
    elif hasattr(value, "dist"):  # A distribution of scipy; its generator does not count.
        yield from _describe([value.dist.name, value.args, value.kwds], seen)
    elif type(value).__module__.partition(".")[0] in PACKAGES and _has_text(type(value)):
        yield repr(value)
    elif isinstance(value, types.ModuleType):
        seen.modules.add(value.__name__)
        yield value.__name__
    elif isinstance(value, types.BuiltinFunctionType):
        yield f"{value.__module__}.{value.__qualname__}"
    elif _is_local(type(value)):
        yield from _describe([type(value), _state(value)], seen)


def _has_text(kind: type) -> bool:
    """Whether the text of an object says what it is, and not where it lies in memory."""
    return any("__repr__" in vars(base) for base in kind.__mro__[:-1])


def _state(value: Any) -> dict[str, Any]:
    """The attributes of an object itself, those in slots included."""
    slots = [name for base in type(value).__mro__ for name in getattr(base, "__slots__", ()) if name != "__dict__"]
    return {**{name: getattr(value, name, None) for name in slots}, **getattr(value, "__dict__", {})}


def _is_local(thing: Any) -> bool:
    """Whether something was defined in the notebook or script itself, or inside a function."""
    return getattr(thing, "__module__", None) == "__main__" or "<locals>" in getattr(thing, "__qualname__", "")
