"""Compares a worker process with the driver: versions, hardware and code that must be the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmark.reproducibility.environment import SETTINGS_FIELD, describe_environment
from benchmark.reproducibility.source_digests import LOADED_DIGEST, ROOMS, digest_modules

__all__ = [
    "LOADED_DIGEST",
    "ROOMS",
    "Handshake",
    "ProcessDescription",
    "describe_machine",
    "describe_process",
    "differences",
]

MACHINE_KEYS = ("cores", "cpu", "system")
"""What may differ between machines, since it decides no bits; a ledger's header has the worker's own."""

NOT_COMPARED = (*MACHINE_KEYS, "code", "jobs")
"""Besides those: the commit, for which the digest of the code stands, and the number of workers."""

MODULE = "the module "
"""How the name of a user's module begins in a description; no distribution's name has a blank."""

ProcessDescription = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What a driver expects of a worker, and how the worker finds it.

    Attributes:
        folder: the suite's results, as an absolute path.
        label: tells drivers apart that share the folder.
        token: by which the worker knows the driver's heartbeat.
        driver: its process number, where the workers are on its machine; a missing heartbeat is noticed later.
        working_folder: the driver's working folder; relative paths of a suite start there.
        module_folders: the driver's folders of modules besides the installed ones.
        device: on which trials train.
        libraries: distributions that the suite's algorithms belong to.
        description: of the driver's process.
        modules: modules that the suite names by dotted path.
    """

    folder: Path
    label: str
    token: str
    driver: int | None
    working_folder: str
    module_folders: tuple[str, ...]
    device: str
    libraries: tuple[str, ...]
    description: ProcessDescription
    modules: tuple[str, ...] = ()


def describe_process(device: str, libraries: Iterable[str], modules: Iterable[str] = ()) -> ProcessDescription:
    """Describe this process's versions and hardware, as far as they must be the same everywhere.

    Args:
        device: on which trials train.
        libraries: distributions that the suite's algorithms belong to.
        modules: modules that the suite names by dotted path.
    """
    described = {name: value for name, value in describe_environment(device, 0).items() if name not in NOT_COMPARED}
    settings = {f"the setting {name}": text for name, text in described.pop(SETTINGS_FIELD).items()}
    sources = {f"{MODULE}{name}": digest for name, digest in digest_modules(modules).items()}
    return {**described, **settings, **{name: _version(name) for name in libraries}, **sources, "source": LOADED_DIGEST}


def describe_machine(device: str) -> ProcessDescription:
    """Describe the machine as a ledger's header does, which that machine wrote."""
    described = describe_environment(device, 0)
    return {name: described[name] for name in MACHINE_KEYS}


def differences(driver: ProcessDescription, worker: ProcessDescription) -> list[str]:
    """Describe every difference between two processes; an empty list where there is none."""
    names = [*driver, *(name for name in worker if name not in driver)]
    return [
        f"{_display_name(name)} is {_display_value(driver.get(name))} here and {_display_value(worker.get(name))} there"
        for name in names
        if driver.get(name) != worker.get(name)
    ]


def _display_name(name: str) -> str:
    words = {"source": "the code of incumbent", "switches": "the environment"}
    return words.get(name, name)


def _display_value(value: Any) -> str:
    """Format a value of a description; environment variables as a shell shows them."""
    return " ".join(f"{name}={setting}" for name, setting in value.items()) if isinstance(value, dict) else str(value)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
