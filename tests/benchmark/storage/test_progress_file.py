"""`progress.json`: what is written is read, and whatever else lies there is no progress."""

import os
import platform
import subprocess
import sys

import pytest

from benchmark.storage.progress_file import Progress, RunCounts, Work, progress_name, read_progress, write_progress


def progress(**changes):
    """Progress of this process."""
    return Progress(
        **{
            "written": 1000.0,
            "pid": os.getpid(),
            "host": platform.node(),
            "started": 900.5,
            "state": "running",
            "runs": RunCounts(total=10, done=3, failed=1, running=2),
            "work": Work(done=30.0, total=90.0, unit="seconds"),
            "eta_seconds": (10.0, 20.0),
            **changes,
        }
    )


@pytest.mark.parametrize("eta", [None, (10.0, 20.0)])
def test_what_is_written_is_read(tmp_path, eta):
    """Whether there is an estimate or not; shards have files of their own, and the latest comes first."""
    older, later = progress(eta_seconds=eta), progress(written=1001.0, state="done", eta_seconds=eta)
    write_progress(tmp_path / progress_name(None), older)
    write_progress(tmp_path / progress_name("1-of-4"), later)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["progress-1-of-4.json", "progress.json"]
    assert read_progress(tmp_path) == [later, older]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"null", b'{"written": NaN}', b"\xff", b'{"state": "running"'])
def test_what_is_no_progress_is_left_out(tmp_path, content):
    """It is no result: nothing is refused because of it."""
    (tmp_path / "progress.json").write_bytes(content)
    assert read_progress(tmp_path) == []


def test_a_value_of_another_format_is_left_out(tmp_path):
    """A state or unit that this version does not know."""
    write_progress(tmp_path / "progress.json", progress(state="sleeping"))
    write_progress(tmp_path / "progress-1-of-2.json", progress(work=Work(done=1.0, total=2.0, unit="apples")))
    assert read_progress(tmp_path) == []


def test_nothing_is_written(tmp_path):
    """A folder without the file, or that is not there."""
    assert read_progress(tmp_path) == read_progress(tmp_path / "none") == []


def test_a_process_is_at_work_while_it_answers():
    """Its state says so, its file is new, and it is there; of a process elsewhere only the file is known."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert progress().is_running(now=1001.0)
    assert not progress().is_running(now=1100.0)
    assert not progress(state="stopped").is_running(now=1001.0)
    assert not progress(pid=ended.pid).is_running(now=1001.0)
    assert progress(pid=ended.pid, host="elsewhere").is_running(now=1001.0)


@pytest.mark.parametrize(("done", "total", "share"), [(0.0, 0.0, 0.0), (1.0, 4.0, 0.25), (5.0, 4.0, 1.0)])
def test_the_share_of_work(done, total, share):
    """Between 0 and 1, whatever the estimate of all of it is."""
    assert Work(done=done, total=total, unit="seconds").share == share
