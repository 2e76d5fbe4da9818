"""Processes of this machine: they start while the suite is checked, and are the ones that execute it."""

import gc
import os
import sys

import pytest

from benchmark.backends import loky
from benchmark.backends.base import map_in_loky
from benchmark.driver.code_changes import registered_modules
from benchmark.errors import BadInput
from benchmark.suite.parsing import parse

LATE = "sndhdr"
"""A module of the standard library that nothing imports by itself."""


def look(*_):
    """What a group would find: its process, and whether the module is imported there."""
    return [(os.getpid(), LATE in sys.modules)]


def execute(backend):
    """The process of each of four groups, and whether the module was imported there."""
    return [found for [found] in backend.execute_groups(iter([([], None)] * 4), None)]


def test_workers_import_what_trains_before_their_first_group(monkeypatch):
    """Both workers have it, and are other processes than this one, which imports nothing for them."""
    monkeypatch.setattr(loky, "execute_group", look)
    backend = loky.Loky(2)
    with backend.starting_workers([LATE]):
        found = execute(backend)
    assert all(imported and process != os.getpid() for process, imported in found)
    assert LATE not in sys.modules


def test_workers_of_a_refused_suite_do_no_harm(recwarn):
    """They had nothing to do yet; nothing is said of it, and the next suite takes them."""
    backend = loky.Loky(2)
    with pytest.raises(BadInput), backend.starting_workers([LATE]):
        raise BadInput("refused")
    gc.collect()
    assert not list(recwarn)
    assert list(map_in_loky(abs, [(-1,), (-2,)], 2, 2, ordered=True)) == [1, 2]


def test_a_single_job_starts_no_process(monkeypatch):
    """With one job it is this process that trains, and imports are its own."""
    monkeypatch.setattr(loky, "execute_group", look)
    backend = loky.Loky(1)
    with backend.starting_workers([LATE]):
        assert execute(backend) == [(os.getpid(), False)] * 4


def test_modules_of_registered_objectives_alone_are_imported_early():
    """A table needs none, and a class by dotted path is imported once the suite is checked."""
    suite = parse(
        "t",
        {
            "title": "t",
            "clock": "tabulated",
            "repetitions": 1,
            "budget": {"trials": 1},
            "objectives": {
                "lenet": {},
                "softmax": {},
                "mine": {"objective": "my_network:Net"},
                "table": {"table": "digits:mlp"},
            },
            "algorithms": {"random": {"searcher": "random"}},
        },
    )
    assert registered_modules(suite) == ("objectives.classification.lenet", "objectives.classification.softmax")
