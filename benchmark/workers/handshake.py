"""What a worker on another machine must have in common with the driver, and how it shows that it has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmark.reproducibility.environment import describe_environment
from benchmark.reproducibility.source_digests import LOADED_DIGEST, ROOMS, digest_modules

__all__ = ["LOADED_DIGEST", "ROOMS", "Card", "Handshake", "card", "differences", "own", "where_modules_are"]

OWN = ("cores", "cpu", "system")
"""What may differ between machines and stands in a ledger's header as it is on the worker: it decides no bits."""

NOT_COMPARED = (*OWN, "code", "jobs")
"""Besides those: the commit, for which the digest of the code stands, and the number of workers."""

MODULE = "the module "
"""Begins the name of a user's module in a card; no distribution's name has a blank."""

Card = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What a driver expects of a worker, and how the worker finds it.

    Attributes:
        folder: the suite's results, as an absolute path.
        label: tells drivers apart that share the folder.
        token: of the driver's pulse.
        driver: its process, where the workers are on its machine; a pulse takes longer to be missed.
        place: the driver's working folder; relative paths of a suite start there.
        paths: the driver's folders of modules besides the installed ones.
        device: on which trials train.
        libraries: distributions that the suite's algorithms belong to.
        card: the driver's own.
        modules: that the suite names by dotted path.
    """

    folder: Path
    label: str
    token: str
    driver: int | None
    place: str
    paths: tuple[str, ...]
    device: str
    libraries: tuple[str, ...]
    card: Card
    modules: tuple[str, ...] = ()


def card(device: str, libraries: Iterable[str], modules: Iterable[str] = ()) -> Card:
    """This process's versions and hardware, as far as they must be the same everywhere.

    Args:
        device: on which trials train.
        libraries: distributions that the suite's algorithms belong to.
        modules: that the suite names by dotted path.
    """
    described = {name: value for name, value in describe_environment(device, 0).items() if name not in NOT_COMPARED}
    sources = {f"{MODULE}{name}": found for name, found in digest_modules(modules).items()}
    return {**described, **{name: _version(name) for name in libraries}, **sources, "source": LOADED_DIGEST}


def own(device: str) -> Card:
    """What a ledger's header should say of the machine that wrote it."""
    described = describe_environment(device, 0)
    return {name: described[name] for name in OWN}


def differences(driver: Card, worker: Card) -> list[str]:
    """Every difference in words; empty where there is none."""
    names = [*driver, *(name for name in worker if name not in driver)]
    return [
        f"{_called(name)} is {_told(driver.get(name))} here and {_told(worker.get(name))} there"
        for name in names
        if driver.get(name) != worker.get(name)
    ]


def where_modules_are(paths: Iterable[str], prefix: str) -> tuple[str, ...]:
    """The folders of modules that do not belong to the interpreter's installation."""
    found = [os.path.realpath(path or ".") for path in paths]
    inside = os.path.realpath(prefix)
    outside = [path for path in found if os.path.isdir(path) and not path.startswith(inside)]  # noqa: PTH112 (str in, str out)
    return tuple(dict.fromkeys(path for path in outside if "site-packages" not in path and "lib/python" not in path))


def _called(name: str) -> str:
    words = {"source": "the code of incumbent", "switches": "the environment"}
    return words.get(name, name)


def _told(value: Any) -> str:
    """A card's value in words; variables as a shell has them."""
    return " ".join(f"{name}={setting}" for name, setting in value.items()) if isinstance(value, dict) else str(value)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
