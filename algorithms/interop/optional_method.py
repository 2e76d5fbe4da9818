"""Methods of optional libraries, imported at first use, with the properties that they lack."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from objectives.registry import install_command

PROPERTIES: Mapping[str, str] = {
    "bounds": "every proposal is in the space",
    "native": "in Python's own types",
    "seed": "repeats with its seed",
    "process": "also in a fresh process",
    "global_state": "leaves the global generators as they were",
    "failed": "survives trials that crashed, and takes none for a good one",
    "tied": "survives equal results",
    "default": "the default configuration comes first, and the library learns of it",
    "replay": "proposes the same again when told the recorded results",
    "conditions": "knows which hyperparameters count; otherwise values are drawn and dropped",
    "pending": "knows of proposals without a result",
    "fidelity": "learns from partial training; otherwise it is told the first result of a proposal",
    "copy": "a copy made in the middle goes on alike",
}
"""What the conformance suite asks of a searcher or scheduler."""


class NotInstalled(ImportError):
    """The library of a method is not installed."""


@dataclass(frozen=True, slots=True)
class OptionalMethod:
    """A searcher or scheduler of an optional library, which is imported at first use.

    Attributes:
        path: `module:Class`.
        extra: of pyproject.toml, which installs the library.
        libraries: distributions whose versions decide what is proposed; labels carry the first.
        summary: one line for `list`.
        variants: label -> options; every way worth testing and comparing.
        preset: options that the entry is made of; a suite gives the others.
        tasks: the kinds of tasks that the method makes full use of, as of an `Entry`.
        lacks: property -> why the library does not have it; runs are marked with these. An object may
            say more in an attribute `lacks` of its own, where that depends on its options.
    """

    path: str
    extra: str
    libraries: tuple[str, ...]
    summary: str
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"": {}})
    preset: Mapping[str, Any] = field(default_factory=dict)
    tasks: tuple[str, ...] = ("one",)
    lacks: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert set(self.lacks) <= set(PROPERTIES), f"{self.path}: lacks {set(self.lacks) - set(PROPERTIES)}"

    def load(self) -> Callable[..., Any]:
        """Import and return the class.

        Raises:
            NotInstalled: the library is not there; the message says how to install it.
        """
        missing = [name for name in self.libraries if _version(name) is None]
        if missing:
            raise NotInstalled(f"{missing[0]} is not installed: {install_command(self.extra)}")
        module, _, name = self.path.partition(":")
        loaded: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return partial(loaded, **self.preset) if self.preset else loaded

    def versions(self) -> dict[str, str | None]:
        """Installed versions of its libraries."""
        return {name: _version(name) for name in self.libraries}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
