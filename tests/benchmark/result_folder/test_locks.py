"""The lock of a suite's folder: the kernel's, so nothing that is left or planted in its place holds it or hangs."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from benchmark.errors import BadInput
from benchmark.result_folder.folder_lock import LOCK, folder_lock
from benchmark.storage.resume_check import RunRefused

TOGETHER = 8


@pytest.fixture(autouse=True)
def _no_hang():
    """Whatever waits on a lock is an error, not a test that never ends."""

    def late(number, frame):
        raise TimeoutError("the lock was waited for")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def forked(work):
    """A child that does some work; it shares nothing but what was open, and ends without Python's good order."""
    child = os.fork()
    if child:
        return child
    code = 99
    with suppress(BaseException):
        code = work()
    os._exit(code)


def code_of(child):
    """How a child has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_of_processes_that_start_together_one_gets_the_folder(tmp_path):
    """Eight claim it at the same moment: one holds it until all have tried, seven are refused at once."""
    begin, go = os.pipe()
    tried, done = os.pipe()

    def claim():
        os.close(go)
        os.read(begin, 1)  # Ends for all of them when the test closes its end.
        try:
            with folder_lock(tmp_path / "a" / "b"):
                os.write(done, b"x")
                os.close(done)
                while os.read(tried, 1):  # Others still try; ends with the last of them.
                    pass
                return 0
        except RunRefused as error:
            return 7 if "another process is running this suite" in str(error) else 8

    children = [forked(claim) for _ in range(TOGETHER)]
    os.close(begin)
    os.close(done)
    os.close(go)
    codes = sorted(code_of(child) for child in children)
    os.close(tried)

    assert codes == [0] + [7] * (TOGETHER - 1)
    with folder_lock(tmp_path / "a" / "b"):
        pass


def test_a_killed_process_lets_go_and_its_number_means_nothing(tmp_path):
    """After kill -9 the folder is free at once; what a lock file says of dead or living processes is not read."""
    ready, write_end = os.pipe()

    def hold():
        with folder_lock(tmp_path):
            os.write(write_end, b"x")
            signal.pause()
        return 0

    child = forked(hold)
    os.read(ready, 1)
    with pytest.raises(RunRefused, match="another process"), folder_lock(tmp_path):
        pass
    os.kill(child, signal.SIGKILL)
    assert code_of(child) == -signal.SIGKILL
    for number in (child, os.getpid(), 1):
        (tmp_path / LOCK).write_text(f"{number} some-host 1700000000\n")
        with folder_lock(tmp_path):
            pass
    for end in (ready, write_end):
        os.close(end)


def test_a_relative_folder_is_locked_where_it_is(tmp_path, monkeypatch):
    """By another way to the same folder it is the same lock, also below the working folder."""
    monkeypatch.chdir(tmp_path)
    with (
        folder_lock(Path("results", "tiny")),
        pytest.raises(RunRefused, match="another process"),
        folder_lock(tmp_path / "results" / "tiny"),
    ):
        pass


@pytest.mark.parametrize("plant", ["link", "dangling", "fifo"])
def test_what_lies_in_the_place_of_the_lock_does_not_hang(tmp_path, plant):
    """A link, one that leads nowhere, or a FIFO: it is locked like a file, and a second process is refused."""
    elsewhere, lock = tmp_path / "elsewhere", tmp_path / "tiny" / LOCK
    lock.parent.mkdir()
    if plant == "fifo":
        os.mkfifo(lock)
    else:
        lock.symlink_to(elsewhere)
    if plant == "link":
        elsewhere.write_text("someone's")

    with folder_lock(lock.parent), pytest.raises(RunRefused, match="another process"), folder_lock(lock.parent):
        pass
    assert not elsewhere.exists() or elsewhere.read_text() == ("someone's" if plant == "link" else "")


@pytest.mark.parametrize("plant", ["folder", "loop"])
def test_what_cannot_be_a_lock_is_refused(tmp_path, plant):
    """A folder or a link to itself in its place: one message with the folder and the system's reason."""
    lock = tmp_path / LOCK
    if plant == "folder":
        lock.mkdir()
    else:
        lock.symlink_to(lock)

    with pytest.raises(BadInput, match=rf"results folder {tmp_path}: cannot be written \(.*\)"), folder_lock(tmp_path):
        pass
