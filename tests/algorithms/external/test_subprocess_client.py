"""The process at the other end of a pipe: it starts late, no pipe fills up, and none is left behind."""

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from algorithms.external.external import ExternalSearcher
from objectives.external import subprocess_client
from objectives.external.subprocess_client import ExternalError
from tests import ROOT
from tests.algorithms.external.worker import GOOD, RATE, alive, ends, process_of, says


def open_files():
    return len(list(Path("/dev/fd").iterdir()))


def test_building_starts_nothing(toy, tmp_path):
    """A checked suite has started no process."""
    searcher = toy(f"open({str(tmp_path / 'started')!r}, 'w').close()\n{GOOD}")
    assert not searcher.remote.client.running
    assert not (tmp_path / "started").exists()
    searcher.sample_configuration()
    assert (tmp_path / "started").exists()


def test_no_pipe_fills_up(toy):
    """A megabyte each way at once, and one on standard error before the program listens."""
    chatty = GOOD.replace("for line in", 'print("x" * 2**20, file=sys.stderr, flush=True)\nfor line in')
    chatty = chatty.replace('"version": "1.0"', '"version": "1.0", "libraries": {"long": begin["options"]["long"]}')
    searcher = toy(chatty, options={"long": "y" * 2**20})
    assert len(searcher.versions["long"]) == 2**20
    assert searcher.sample_configuration() is not None


def test_an_endless_line_is_refused(toy, monkeypatch):
    """A program that never ends its line does not fill the memory."""
    monkeypatch.setattr(subprocess_client, "LONGEST_ANSWER", 2**18)
    with pytest.raises(ExternalError, match=r"answered 'ask' with a line of more than 262144 bytes"):
        toy(says("'x' * 2**20, end=''")).sample_configuration()


def test_copies_are_refused(toy):
    """A process cannot be copied, whether it runs already or not."""
    searcher = toy()
    for _ in range(2):
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                duplicate(searcher.remote.client)
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            copy.deepcopy(searcher)
        searcher.sample_configuration()


def test_close_ends_the_process(toy):
    """What is closed is gone, says so, and may be closed again."""
    searcher = toy()
    searcher.sample_configuration()
    pid = process_of(searcher).pid
    searcher.close()
    searcher.close()
    assert not alive(pid)
    with pytest.raises(ExternalError, match="was closed"):
        searcher.sample_configuration()


def test_a_program_deaf_to_the_end_is_killed_with_its_children(toy, monkeypatch, tmp_path):
    """Whoever ignores the end of its input is killed, and so is what it has started."""
    monkeypatch.setattr(subprocess_client, "GRACE_SECONDS", 0.1)
    child = f"import os, subprocess\nsleeper = subprocess.Popen(['sleep', '600'])\n{GOOD}\nimport time; time.sleep(600)"
    searcher = toy(child.replace('"version": "1.0"', '"version": "1.0", "libraries": {"pid": str(sleeper.pid)}'))
    sleeper, pid = int(searcher.versions["pid"]), process_of(searcher).pid
    assert alive(sleeper)
    searcher.close()
    assert not alive(pid)
    assert ends(sleeper)


def test_the_process_ends_with_its_object(toy, program):
    """An object that nobody holds any more leaves no process."""
    searcher = ExternalSearcher(RATE, rng=np.random.default_rng(0), command=program(GOOD))
    searcher.sample_configuration()
    pid = process_of(searcher).pid
    assert alive(pid)
    del searcher
    gc.collect()
    assert not alive(pid)


def test_many_open_at_once_leave_nothing(program):
    """Twenty runs in turns, half of them closed and the others dropped."""
    command = program(GOOD)
    searchers = [ExternalSearcher(RATE, rng=np.random.default_rng(seed), command=command) for seed in range(20)]
    before = open_files()
    for _ in range(2):
        for searcher in searchers:
            searcher.update(searcher.sample_configuration(), 0.5)
    pids = [process_of(searcher).pid for searcher in searchers]
    assert len(set(pids)) == 20
    assert all(map(alive, pids))
    for searcher in searchers[::2]:
        searcher.close()
    del searcher, searchers
    gc.collect()
    assert not any(map(alive, pids))
    assert open_files() == before


PARENT = """
import sys, time
import numpy as np
from scipy import stats
from algorithms.external.external import ExternalSearcher
from objectives.space import Space
searcher = ExternalSearcher(Space({"rate": stats.uniform(0, 1)}), rng=np.random.default_rng(0), command=sys.argv[1:])
searcher.sample_configuration()
print(searcher.remote.client._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["killed", "left"])
def test_the_process_ends_with_ours(program, how):
    """A harness that is killed, or that ends without closing anything, leaves no process."""
    command = [sys.executable, "-c", PARENT, *program(GOOD)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        if how == "killed":
            parent.send_signal(signal.SIGKILL)
        else:
            parent.stdin.close()
        parent.wait()
        assert ends(pid)


def test_a_fork_of_ours_does_not_end_it(toy):
    """A process that was forked from ours and ends leaves the client as it was."""
    searcher = toy()
    searcher.sample_configuration()
    end = searcher.remote.client._end
    child = os.fork()
    if child == 0:
        end()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert searcher.sample_configuration() is not None
