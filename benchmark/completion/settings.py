"""Settings that `--set` takes: keys of the suite that was named, and values of the keys that have a list of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from benchmark.errors import BadInput
from benchmark.storage.suite_json import CLOCKS
from benchmark.suite.parsing import SUITE_FILES

DEVICES = ("auto", "cpu", "cuda")
USUAL = ("budget.trials", "budget.epochs", "budget.runtime", "clock", "device", "repetitions", "seed", "n_workers")
"""Keys that are often set in a suite whose file does not have them."""


def settings(prefix: str, arguments: argparse.Namespace) -> Iterator[str]:
    """Keys that end with `=`; behind one, its values.

    Args:
        prefix: what was typed so far.
        arguments: those before, with the suite.
    """
    key, sign, _ = prefix.partition("=")
    if sign:
        yield from (f"{key}={value}" for value in _values(key))
        return
    keys = set(USUAL)
    with suppress(BadInput):
        keys |= set(_dotted_keys(SUITE_FILES.read(SUITE_FILES.find(arguments.suite or ""))))
    yield from (f"{each}=" for each in sorted(keys))


def _dotted_keys(table: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _dotted_keys(value, f"{before}{key}.")
        else:
            yield before + key


def _values(key: str) -> Iterable[str]:
    from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS
    from objectives import OBJECTIVES

    first, last = key.partition(".")[0], key.rpartition(".")[2]
    if first == "algorithms":
        return {"searcher": ALL_SEARCHERS, "scheduler": ALL_SCHEDULERS}.get(last, ())
    if first == "objectives":
        return OBJECTIVES if last == "name" else ()
    return {"clock": CLOCKS, "device": DEVICES}.get(key, ())
