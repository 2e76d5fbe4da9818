"""Folders with a tiny suite: one that has not run, and copies of one that has, whole and in shards."""

import os
import shutil
from pathlib import Path

import pytest

from benchmark.suite import parsing as suites
from tests.benchmark.fakes.stacked_toy import toy_prices
from tests.benchmark.planning.ledgers import results_of
from tests.benchmark.planning.suites import RUNS, TINY, TOY, run


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a tiny suite in it."""
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INCUMBENT_DATA", raising=False)
    return tmp_path


@pytest.fixture
def suite(here):
    """The tiny suite."""
    return suites.load("tiny.toml")


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder with the toy's suite, two executions of the whole, and shards of them for several n."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "prices.toml").write_text(toy_prices())
    (folder / "tiny.toml").write_text(TOY)
    before = Path.cwd()
    os.chdir(folder)
    try:
        run("unbroken")
        run("again")
        for of in (2, 5, 12):
            for number in range(1, of + 1):
                run(f"{of}/{number}", "--shard", f"{number}/{of}")
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def copies(home, tmp_path, monkeypatch):
    """A working folder of the test's own, with copies of all that."""
    copy = tmp_path / "here"
    shutil.copytree(home, copy)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture(scope="session")
def expected(home):
    """What the unbroken run recorded."""
    found = results_of(home / "unbroken/tiny")
    assert len(found) == RUNS
    return found
