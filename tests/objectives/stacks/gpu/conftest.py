"""These tests run in Triton's interpreter, in a process of its own: its variable must be set before the import."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT

WORKER = Path(__file__).parent / "interpreter.py"
INTERPRETER = pytest.StashKey()

collect_ignore_glob = [] if importlib.util.find_spec("triton") else ["test_*.py", "kernels/test_*.py"]


def interpreter(config):
    """The one process that runs the tests of this folder, started by the first of them."""
    if INTERPRETER not in config.stash:
        config.stash[INTERPRETER] = subprocess.Popen(
            [sys.executable, str(WORKER)],
            cwd=ROOT,
            env={**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    return config.stash[INTERPRETER]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test of this folder by name in the interpreter's process, with its parameters as JSON."""
    process = interpreter(pyfuncitem.config)
    params = dict(pyfuncitem.callspec.params) if hasattr(pyfuncitem, "callspec") else {}
    order = {"file": str(pyfuncitem.path), "test": pyfuncitem.originalname, "params": params}
    order |= {"known_as": os.environ["PYTEST_CURRENT_TEST"]}
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    assert answer, "the interpreter's process has ended"
    failure = json.loads(answer)
    if failure is not None:
        pytest.fail(failure, pytrace=False)
    return True


def pytest_unconfigure(config):
    """End the process by closing its input."""
    if INTERPRETER in config.stash:
        process = config.stash[INTERPRETER]
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()
