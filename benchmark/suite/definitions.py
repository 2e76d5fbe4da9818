"""Classes and functions of a notebook or script, which a suite names and which no process could import.

The process that has them keeps them under their names; workers are given a file that this process has written. Nothing
of it is stored with the results, so nobody who reads results executes what lies there.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, one_line

MODULE = "__main__"
"""The module before the colon of their names, as Python calls a notebook or script."""

_defined: dict[str, Any] = {}
_sources: dict[str, Any] = {}
"""What the user wrote of each, which its digest is of."""
_files: list[str] = []
"""The file that holds them, once a worker needs it."""


def definition_name(name: str) -> str:
    """The dotted path under which a suite names a definition."""
    return f"{MODULE}:{name}"


def is_definition(name: str) -> bool:
    """Whether a dotted path names something of a notebook or script."""
    return name.startswith(f"{MODULE}:")


def defined(name: str) -> Any:
    """What a name stands for in this process, or None."""
    return _defined.get(name)


@contextmanager
def defining(definitions: Mapping[str, Any], sources: Mapping[str, Any]) -> Iterator[None]:
    """Let a suite name definitions during a block.

    Args:
        definitions: what the suite finds under each name, as of `definition_name`.
        sources: what the user wrote of it.
    """
    _defined.update(definitions)
    _sources.update(sources)
    try:
        yield
    finally:
        _defined.clear()
        _sources.clear()
        while _files:
            Path(_files.pop()).unlink(missing_ok=True)


def digest_definitions() -> dict[str, str]:
    """Digest every definition, by name."""
    if not _sources:
        return {}
    from benchmark.suite.definition_digest import digest_definition

    return {name: digest_definition(source) for name, source in _sources.items()}


def definitions_file() -> str | None:
    """The file for workers, written when it is asked for first; None where nothing is defined.

    Raises:
        BadInput: a definition cannot be sent to another process.
    """
    if _defined and not _files:
        data = _pickle(_defined)
        handle, path = tempfile.mkstemp(prefix="incumbent-", suffix=".pickle")  # Readable by this user alone.
        _files.append(path)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    return _files[0] if _files else None


def use_definitions(file: str | None) -> None:
    """Take over the definitions that the driver has written, once for a file."""
    if file is None or _files == [file]:
        return
    import cloudpickle

    _defined.clear()
    _defined.update(cloudpickle.loads(Path(file).read_bytes()))
    _files[:] = [file]


def _pickle(definitions: Mapping[str, Any]) -> bytes:
    import cloudpickle

    for name, value in definitions.items():
        try:
            cloudpickle.dumps(value)
        except Exception as error:  # Whatever it is made of may raise anything.
            raise BadInput(
                f"{name}: cannot be sent to another process ({one_line(error)}); "
                "leave out what it refers to, or use jobs=1"
            ) from error
    data: bytes = cloudpickle.dumps(dict(definitions))
    return data
