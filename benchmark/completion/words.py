"""The words that an argument of a command may be."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

from analysis.__main__ import COMMANDS as READING
from analysis.loading.suite_folder import suite_names
from benchmark.cli.options import Choice
from benchmark.completion.own_classes import own_classes
from benchmark.completion.settings import DEVICES, settings
from benchmark.errors import BadInput
from benchmark.storage.suite_json import read_suite_json
from benchmark.suite.parsing import SUITE_FILES

Words = Callable[[str, argparse.Namespace], Iterable[str]]
"""Takes what was typed of a word, and the arguments before it; words that do not go on like that are left out later."""


def words_for(command: str, action: argparse.Action) -> Words | None:
    """The words of an argument, by its command, its option or what help calls it; None for one that has none."""
    check = getattr(action, "check", None)
    if isinstance(check, Choice):
        return lambda prefix, arguments: check.words
    keys = [*action.option_strings, str(action.metavar)]
    return next((WORDS[key] for key in [*(f"{command} {key}" for key in keys), *keys] if key in WORDS), None)


def _suites(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    yield from SUITE_FILES.names()
    yield from _toml_files(prefix, arguments)


def _recorded_suites(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    yield from suite_names(_results(arguments))
    yield from _toml_files(prefix, arguments)


def _results(arguments: argparse.Namespace) -> Path:
    return Path(getattr(arguments, "results", None) or "results")


def _paths(prefix: str, suffix: str | None = "") -> Iterator[str]:
    """Folders and, unless the suffix is None, files of a suffix, beside what was typed so far."""
    folder = prefix[: prefix.rfind("/") + 1]
    with suppress(OSError), os.scandir(Path(folder or ".").expanduser()) as entries:
        for entry in entries:
            if entry.name.startswith(".") and not prefix[len(folder) :].startswith("."):
                continue
            if entry.is_dir():
                yield f"{folder}{entry.name}/"
            elif suffix is not None and entry.name.endswith(suffix):
                yield f"{folder}{entry.name}"


def _folders(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    return _paths(prefix, None)


def _files(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    return _paths(prefix)


def _toml_files(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    return _paths(prefix, ".toml")


def _methods(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS

    yield from ALL_SEARCHERS
    yield from ALL_SCHEDULERS
    yield from own_classes()


def _entrants(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    yield from _methods(prefix, arguments)
    yield from _toml_files(prefix, arguments)


def _recorded_folder(arguments: argparse.Namespace) -> Path:
    """The folder of the suite that was named before."""
    return _results(arguments) / Path(arguments.suite or "").stem


def _labels(of: str, prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    """Labels of a recorded suite's objectives or algorithms."""
    with suppress(BadInput):
        yield from (entry["label"] for entry in read_suite_json(_recorded_folder(arguments))[1][of])


def _made_names(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    """Tables and figures that there are of a suite."""
    for made in ("tables", "figures"):
        yield from sorted({path.stem for path in (_recorded_folder(arguments) / made).glob("*.[cps]*")})


def _calibrations(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    from benchmark.calibration.cost_model import CALIBRATION_FILES

    yield from CALIBRATION_FILES.names()
    yield from _toml_files(prefix, arguments)


def _devices(prefix: str, arguments: argparse.Namespace) -> Iterable[str]:
    return DEVICES


def _no_words(prefix: str, arguments: argparse.Namespace) -> Iterable[str]:
    return ()


def _list_of(module: str, name: str) -> Words:
    """The words of a list in a module, which is imported when it is asked for."""

    def words(prefix: str, arguments: argparse.Namespace) -> Iterable[str]:
        return tuple(getattr(import_module(module), name))

    return words


WORDS: Mapping[str, Words] = {
    "SUITE": _suites,
    **{f"{command} SUITE": _recorded_suites for command in READING},
    **dict.fromkeys(("PILOT", "OLD", "NEW"), _recorded_suites),
    "--set": settings,
    "check --set": _no_words,
    "check NAME": _methods,
    "METHOD": _entrants,
    **dict.fromkeys(("--only", "--skip"), _made_names),
    "--objective": partial(_labels, "objectives"),
    **dict.fromkeys(("--a", "--b"), partial(_labels, "algorithms")),
    "--calibration": _calibrations,
    "offline-tables ACTION": _list_of("benchmark.cli.commands.offline_tables", "ACTIONS"),
    "new KIND": _list_of("benchmark.scaffold.example", "KINDS"),
    "--to": _list_of("analysis.commands.export", "FORMATS"),
    "--tool": _list_of("analysis.importers", "READERS"),
    "--backend": _list_of("benchmark.backends.factory", "BACKENDS"),
    "--route": _list_of("objectives.objective", "ROUTES"),
    "--precision": _list_of("objectives.objective", "PRECISIONS"),
    "--device": _devices,
    **dict.fromkeys(("DIR", "SHARD_DIR", "OUT"), _folders),
    "FILE.toml": _toml_files,
    **dict.fromkeys(("FILE", "SOURCE"), _files),
}
"""By an option or by what help calls an argument, alone or after the command that it is of."""
