"""A function in a process of its own: what it returns, and what it does to the process."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from objectives.stacks.separate_process import CannotBeSent, ProcessFailed, call_in_process
from tests import ROOT

pytestmark = pytest.mark.slow  # Each case starts an interpreter.


def raise_lines():
    raise RuntimeError("an illegal memory\naccess")


def exit_loudly():
    sys.stderr.write("first words\nlast words\n")
    os._exit(3)


def read_nothing():
    ctypes.string_at(0)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (raise_lines, (), "RuntimeError: an illegal memory access"),
        (exit_loudly, (), "its process ended with exit code 3 (last words)"),
        (read_nothing, (), "its process ended with SIGSEGV"),
        (time.sleep, (60,), "not done after 1 s"),
        (os._exit, (0,), "its process ended without an answer"),
    ],
)
def test_what_ends_the_process_is_said_in_one_line(function, arguments, message):
    """The caller goes on, whatever the function did to its process."""
    with pytest.raises(ProcessFailed) as failure:
        call_in_process(function, *arguments, seconds=1.0 if function is time.sleep else 60.0)

    assert str(failure.value).startswith(message)


def test_what_cannot_be_sent():
    """The caller learns of it before a process is started."""
    with pytest.raises(CannotBeSent):
        call_in_process(print, threading.Lock(), seconds=60.0)


def test_a_process_ends_with_its_parent(tmp_path):
    """Also when the parent is killed while it waits."""
    mark = tmp_path / "number"
    waiting = f"""
import os, time
from objectives.stacks.separate_process import call_in_process

def wait():
    with open({str(mark)!r}, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)

call_in_process(wait, seconds=60.0)
"""
    with subprocess.Popen([sys.executable, "-c", waiting], cwd=ROOT) as parent:
        while not mark.exists() or not mark.read_text():
            time.sleep(0.05)
        parent.kill()
    deadline = time.monotonic() + 30
    while is_running(int(mark.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(mark.read_text()))


def is_running(number):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_result_comes_back():
    """Also that of a function without a module, and although the function prints."""
    parent = os.getpid()

    def answer(number):
        print("noise", flush=True)
        os.system("echo more")
        return number + 1, os.getpid() != parent

    assert call_in_process(answer, 41, seconds=60.0) == (42, True)
