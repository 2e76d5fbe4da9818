"""Output streams that are closed, full, or lack a letter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.benchmark.cli.tiny_suite import start_process


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["run", "--help"]], ids=" ".join)
def test_a_closed_pipe_is_no_accident(tmp_path, arguments):
    """`list | head -1`: no traceback, no complaint at the end, when the reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    running = start_process(arguments, tmp_path, stdout=writing)
    os.close(writing)

    _, message = running.communicate(timeout=120)

    assert (running.returncode, message) == (1, "")


def test_a_name_that_the_terminal_cannot_show_is_escaped(study):
    """Status of a folder with a letter that the output's encoding lacks, and with a byte that is no letter."""
    for name in ("r\u00e9sults", os.fsdecode(b"r\xff")):
        (study / name).mkdir()
        running = start_process(["status", "tiny.toml", "--results", name], study, env={"PYTHONIOENCODING": "ascii"})

        out, message = running.communicate(timeout=120)

        assert (running.returncode, message) == (0, "")
        assert "suite tiny in r\\" in out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    ("redirection", "words", "code", "message"),
    [
        (">/dev/full", "list", 1, "error: No space left on device; what is recorded stays"),
        ("2>/dev/full", "run nowhere", 2, ""),
        ("2>&-", "run nowhere", 2, ""),
        (">&-", "list", 0, ""),
    ],
)
def test_streams_that_take_nothing_leave_the_exit_code(redirection, words, code, message):
    """A full disk behind stdout ends the command in a line; what stderr does not take is lost, and nothing else."""
    line = f"{sys.executable} -m benchmark {words} {redirection}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == bool(message)
