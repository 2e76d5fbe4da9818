"""A function in a process of its own: what it returns, and what it does to the process."""

import ctypes
import os
import sys
import time

import pytest

from objectives.stacks.separate_process import ProcessFailed, call_in_process

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
    ],
)
def test_what_ends_the_process_is_said_in_one_line(function, arguments, message):
    """The caller goes on, whatever the function did to its process."""
    with pytest.raises(ProcessFailed) as failure:
        call_in_process(function, *arguments, seconds=1.0 if function is time.sleep else 60.0)

    assert str(failure.value).startswith(message)


def test_a_result_comes_back():
    """Also that of a function without a module, and although the function prints."""
    parent = os.getpid()

    def answer(number):
        print("noise", flush=True)
        os.system("echo more")
        return number + 1, os.getpid() != parent

    assert call_in_process(answer, 41, seconds=60.0) == (42, True)
