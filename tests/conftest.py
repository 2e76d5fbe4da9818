"""What every test relies on: untouched global generators, one thread, and the image data where there is some."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rich.default_styles  # noqa: F401 (draws from random while it is imported, which is not our doing)
from hypothesis import HealthCheck, settings

from benchmark.reproducibility.setting_changes import pop_changes
from tests import ROOT

# A slow machine is no failure, and a test that passed passes again: examples are the same every time.
# `--hypothesis-profile=default` searches others.
settings.register_profile("repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")

LONG = ("tests/test_tutorial.py", "tests/benchmark/driver/test_runner.py", "tests/test_distribution.py")
"""Files whose few tests take a minute or more: the last one of a suite of tests keeps one process busy alone."""

FASHION_MNIST_FILE = Path("FashionMNIST", "raw", "train-images-idx3-ubyte")


def global_state():
    """States of the global generators of random, numpy and, where it is imported, torch, by name."""
    kind, words, *rest = np.random.get_state()  # noqa: NPY002 (read to see that nobody changed it)
    state = {"random": random.getstate(), "numpy": (kind, words.tobytes(), *rest)}
    torch = sys.modules.get("torch")
    return state if torch is None else {**state, "torch": torch.get_rng_state().numpy().tobytes()}


def put_back(state):
    """Set the global generators to a state that `global_state` gave."""
    random.setstate(state["random"])
    kind, words, *rest = state["numpy"]
    np.random.set_state((kind, np.frombuffer(words, dtype=np.uint32), *rest))  # noqa: NPY002 (restored)
    if "torch" in state:
        torch = sys.modules["torch"]
        torch.set_rng_state(torch.frombuffer(bytearray(state["torch"]), dtype=torch.uint8))


def pytest_collection_modifyitems(items):
    """Begin with the long files; xdist keeps to this order with `--no-loadscope-reorder`."""
    items.sort(key=lambda item: item.nodeid.partition("::")[0] not in LONG)


@pytest.fixture(autouse=True, scope="session")
def _hear_signals():
    """A background job of a shell ignores SIGINT, one of nohup SIGHUP; what tests start would do so too."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _no_global_generator():
    """Fail a test during which a global generator moved, and put it back for the next test."""
    before = global_state()
    yield
    after = global_state()
    moved = [name for name in before if before[name] != after[name]]
    put_back(before)
    assert not moved, f"the global generator of {', '.join(moved)} was used"


@pytest.fixture(autouse=True)
def _no_noted_change():
    """Forget which settings a test's code has changed: the next test's runs would report it."""
    yield
    pop_changes()


@pytest.fixture(autouse=True)
def _no_other_folder():
    """Fail a test that leaves the process in another folder, and go back for the next test."""
    before = Path.cwd()
    yield
    after = Path.cwd() if Path("/proc/self/cwd").exists() else None
    os.chdir(before)
    assert after == before, f"the test has left the process in {after}"


CACHES = {".git", ".venv", ".external", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
"""Folders of the checkout in which tools of others write whenever they like."""


def files_below(folder):
    """All files below a folder but those in caches, by path relative to it."""
    found = set()
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in CACHES]
        found.update(os.path.relpath(os.path.join(parent, name), folder) for name in files)  # noqa: PTH118 (thousands)
    return found


@pytest.fixture(autouse=True, scope="module")
def _nothing_left_in_the_checkout():
    """Fail a module of tests that leaves a file in the checkout."""
    before = files_below(ROOT)
    yield
    left = sorted(files_below(ROOT) - before)
    assert not left, f"the tests of this file, or others at the same time, have left in the checkout: {', '.join(left)}"


@pytest.fixture(name="global_state")
def _global_state():
    """The function that reads the global generators, for tests that compare before and after."""
    return global_state


@pytest.fixture
def move_global_generators():
    """A function that moves every global generator on; they are put back after the test."""
    before = global_state()

    def move():
        random.random()
        np.random.random()  # noqa: NPY002 (the state that must not matter)
        if "torch" in sys.modules:
            sys.modules["torch"].rand(1)

    yield move
    put_back(before)


@pytest.fixture
def one_thread():
    """One thread inside torch, as every trial has it: the number of threads changes bits."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def data_folder():
    """The folder that holds FashionMNIST/raw, named by INCUMBENT_DATA or `data`; else the test is skipped."""
    folder = Path(os.environ.get("INCUMBENT_DATA", "data"))
    if not (folder / FASHION_MNIST_FILE).is_file():
        pytest.skip(f"no {FASHION_MNIST_FILE} in {folder}: name its folder by INCUMBENT_DATA")
    return folder


@pytest.fixture(scope="session")
def in_fresh_process():
    """A function that calls a test module's function in a new process with other hash seeds."""

    def call(file, function):
        program = "import json, runpy, sys; print(json.dumps(runpy.run_path(sys.argv[1])[sys.argv[2]]()))"
        outcome = subprocess.run(
            [sys.executable, "-c", program, file, function],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "77"},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(outcome.stdout)

    return call


@pytest.fixture
def loaded():
    """The class behind an entry of a registry; the test is skipped where its library is not installed."""
    from algorithms.interop.optional_method import NotInstalled, OptionalMethod

    def load(made):
        try:
            return made.load() if isinstance(made, OptionalMethod) else made
        except NotInstalled as error:
            pytest.skip(str(error))

    return load
