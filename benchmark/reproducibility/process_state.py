"""Keeps what third-party code changes in this process from every other trial, algorithm and run.

A training that yields inside `torch.no_grad()`, a module that sets the precision of products when it is imported, an
algorithm that sets the default type: each would change the bits, or the state, of every trial after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmark.reproducibility.process_settings import PROCESS_SETTINGS, Setting
from benchmark.reproducibility.seeding import PrivateGenerators
from benchmark.reproducibility.setting_changes import note_change
from benchmark.reproducibility.torch_settings import TORCH_SETTINGS

SETTINGS: dict[str, Setting] = PROCESS_SETTINGS | TORCH_SETTINGS
"""Every setting that is put back after each call into third-party code, in the order in which they are put back."""


def read_settings() -> dict[str, Any]:
    """Read every setting."""
    return {name: setting.read() for name, setting in SETTINGS.items()}


def put_back(before: dict[str, Any], culprit: str) -> dict[str, Any]:
    """Set again what is no longer as it was before, and note who changed it; returns what it was changed to."""
    after = {name: SETTINGS[name].read() for name in before}
    if after == before:
        return {}
    changed = {name: value for name, value in after.items() if value != before[name]}
    for name, value in changed.items():
        note_change(culprit, name, before[name], value, private=SETTINGS[name].private)
        SETTINGS[name].write(before[name])
    return changed


def describe_settings(device: str) -> dict[str, str]:
    """Describe the settings that decide the bits of a training on this device, each in a few words.

    A flag that is added to what makes up one of them belongs into a setting of its own: a recorded header that lacks
    a setting is unknown, one that has it with another value was recorded by another process.
    """
    gpu = device.startswith("cuda")
    listed = {name: setting for name, setting in SETTINGS.items() if setting.decides_bits and (gpu or not setting.gpu)}
    return {name: _describe_value(setting.read(), gpu=gpu) for name, setting in listed.items()}


def _describe_value(value: Any, *, gpu: bool) -> str:
    """Describe a value; of several the names of those that are on, and no GPU's unless one is used."""
    if isinstance(value, Mapping):
        described = {name: inner for name, inner in value.items() if gpu or not name.startswith(GPU_NAMES)}
        pairs = {name: _describe_value(inner, gpu=gpu) for name, inner in described.items()}
        return ", ".join(f"{name} {text}" for name, text in pairs.items() if text not in NOTHING)
    if isinstance(value, tuple | list | frozenset):
        items = sorted(value) if isinstance(value, frozenset) else value
        return " ".join(text for inner in items if (text := _describe_value(inner, gpu=gpu)) != "")
    if value is None or isinstance(value, bool):
        return {None: "", True: "on", False: "off"}[value]
    plain = isinstance(value, str | int | float) or not repr(value).startswith("<")
    return str(value).removeprefix("torch.") if plain else type(value).__name__


GPU_NAMES = ("cuda", "cublas", "cudnn")
NOTHING = ("", "off", "none")
"""What a description leaves out."""


class ProcessState:
    """Keeps the settings of one training or algorithm while others run.

    Args:
        culprit: who is named where settings were changed.
    """

    used = False
    """Whether there is any code of a third party in this process."""

    def __init__(self, culprit: str) -> None:
        ProcessState.used = True
        self.culprit = culprit
        self._changed: dict[str, Any] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Give third-party code its own settings, and the process back those that it had."""
        before = read_settings()
        for name, value in self._changed.items():
            SETTINGS[name].write(value)
        try:
            yield
        finally:
            changed = put_back(before, self.culprit)
            self._changed = {name: value for name, value in changed.items() if SETTINGS[name].carried_over}


_outer: list[dict[str, Any]] = []
"""Settings with which trainings began, the innermost last."""

STRAY = "code that ran outside of its calls"
"""Who is named for what no call into third-party code has changed: the text of an exception, the end of an object."""


@contextmanager
def settings_of_trainings() -> Iterator[None]:
    """Let `put_back_strays` restore the settings that decide bits as they are now, and restore them at the end.

    The others may be changed by the harness itself, as the handlers of signals are when somebody stops it.
    """
    _outer.append({name: setting.read() for name, setting in SETTINGS.items() if setting.decides_bits})
    try:
        yield
    finally:
        put_back(_outer.pop(), STRAY)


def put_back_strays() -> None:
    """Set again, before a training, what has changed since trainings began; it costs nothing without third parties."""
    if _outer and ProcessState.used:
        put_back(_outer[-1], STRAY)


class Isolation:
    """Gives third-party code its own states of the global generators and its own settings of the process."""

    def __init__(self, seed: np.random.SeedSequence, culprit: str) -> None:
        self._generators, self._settings = PrivateGenerators(seed), ProcessState(culprit)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Swap both in, and the process's own back at the end."""
        with self._settings.active(), self._generators.active():
            yield
