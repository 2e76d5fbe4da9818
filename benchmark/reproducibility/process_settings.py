"""The settings of Python and numpy that third-party code may change: how each is read and put back."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal.getsignal takes 100 times as long
import decimal
import gc
import locale
import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of the process that third-party code may change.

    Attributes:
        read: gives its value.
        write: sets a value that `read` gave.
        carried_over: whether the code that changed it finds its own value again when it goes on. How the harness is
            stopped and how deep it may call is only ever put back.
        decides_bits: whether numbers that a training computes depend on it; those settings are in every header.
        gpu: whether only numbers that a GPU computes do.
        private: whether messages name what has changed of it, but no values.
    """

    read: Callable[[], Any]
    write: Callable[[Any], Any]
    carried_over: bool = True
    decides_bits: bool = False
    gpu: bool = False
    private: bool = False


def _working_folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 (what os.chdir takes back)
    except OSError:  # It was removed.
        return None


def _change_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _environment() -> dict[bytes, bytes]:
    """The variables as bytes, from the dictionary behind `os.environ`: reading all by name takes 20 times as long."""
    return dict(vars(os.environ)["_data"])


def _replace_environment(values: dict[bytes, bytes]) -> None:
    for name in [name for name in os.environb if name not in values]:
        del os.environb[name]
    for name, value in values.items():
        if os.environb.get(name) != value:
            os.environb[name] = value


_LEAST = 5e-324


def _flushes_denormals() -> bool:
    """Return whether denormal numbers count as zero, which torch can set but not read."""
    return _LEAST * 1.0 == 0.0


def _flush_denormals(on: bool) -> None:
    import torch

    torch.set_flush_denormal(on)


_own_handlers: dict[int, Any] = {}
"""The harness's handler of each signal, as it was last seen."""

OWN = "the harness's own"


def _signal_handlers() -> list[Any]:
    """The handlers; the harness's are alike, for it replaces the first by another when it is asked to stop."""
    handlers = [_signal.getsignal(number) for number in SIGNALS]
    for index, (number, handler) in enumerate(zip(SIGNALS, handlers, strict=True)):
        if getattr(handler, "__module__", "").startswith("benchmark."):
            _own_handlers[number], handlers[index] = handler, OWN
    return handlers


def _set_signal_handlers(handlers: list[Any]) -> None:
    with suppress(ValueError):  # In a thread nobody can have changed them.
        for number, handler in zip(SIGNALS, handlers, strict=True):
            if handler is not None:  # Not set by Python, so Python cannot set it again.
                signal.signal(number, _own_handlers[number] if handler is OWN else handler)


def _alarm_is_set() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _stop_alarm(was_set: bool) -> None:
    if not was_set:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _raising_warnings() -> list[Any]:
    """The filters that turn warnings into errors; the others decide no more than what is printed."""
    return [entry for entry in warnings.filters if entry[0] == "error"]


def _set_raising_warnings(saved: list[Any]) -> None:
    filters: Any = warnings.filters
    kept = [entry for entry in filters if entry[0] != "error" or entry in saved]
    missing = [entry for entry in saved if entry not in kept]
    warnings.resetwarnings()  # Besides emptying the list, it makes modules forget what they have already shown.
    filters[:] = [*missing, *kept]


def _numpy_errors() -> dict[str, Any]:
    return {**np.geterr(), "call": np.geterrcall(), "buffer": np.getbufsize()}


def _set_numpy_errors(values: dict[str, Any]) -> None:
    np.seterr(**{name: values[name] for name in ("divide", "over", "under", "invalid")})
    np.seterrcall(values["call"])
    np.setbufsize(values["buffer"])


def _decimals() -> tuple[int, str]:
    context = decimal.getcontext()
    return context.prec, context.rounding


def _set_decimals(values: tuple[int, str]) -> None:
    decimal.getcontext().prec, decimal.getcontext().rounding = values


def _locale() -> str:
    return locale.setlocale(locale.LC_ALL)


def _garbage_collection() -> tuple[Any, ...]:
    return gc.isenabled(), gc.get_threshold()


def _set_garbage_collection(values: tuple[Any, ...]) -> None:
    (gc.enable if values[0] else gc.disable)()
    gc.set_threshold(*values[1])


def _set_streams(streams: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = streams


PROCESS_SETTINGS: dict[str, Setting] = {
    "working folder": Setting(read=_working_folder, write=_change_folder),
    "environment": Setting(read=_environment, write=_replace_environment, private=True),
    "denormals": Setting(read=_flushes_denormals, write=_flush_denormals, decides_bits=True),
    "numpy errors": Setting(read=_numpy_errors, write=_set_numpy_errors, decides_bits=True),
    "warnings as errors": Setting(read=_raising_warnings, write=_set_raising_warnings, private=True),
    "decimal context": Setting(read=_decimals, write=_set_decimals),
    "locale": Setting(read=_locale, write=lambda name: locale.setlocale(locale.LC_ALL, name)),
    "garbage collection": Setting(read=_garbage_collection, write=_set_garbage_collection),
    "standard streams": Setting(read=lambda: (sys.stdout, sys.stderr), write=_set_streams, private=True),
    "signal handlers": Setting(read=_signal_handlers, write=_set_signal_handlers, carried_over=False),
    "alarm": Setting(read=_alarm_is_set, write=_stop_alarm, carried_over=False),
    "recursion limit": Setting(read=sys.getrecursionlimit, write=sys.setrecursionlimit, carried_over=False),
}
