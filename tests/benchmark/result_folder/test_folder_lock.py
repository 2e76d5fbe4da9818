"""The lock of a suite's folder: one process holds it, or the shards of one split."""

import fcntl
import os

import pytest

from benchmark.errors import BadInput
from benchmark.planning.shard import Shard
from benchmark.result_folder import folder_lock as locks
from benchmark.result_folder.folder_lock import LOCK, folder_lock
from benchmark.storage.resume_check import RunRefused


def test_a_folder_is_made_and_let_go(tmp_path):
    """Missing folders are made; afterwards the next process may have it."""
    folder = tmp_path / "deep" / "tiny"

    with folder_lock(folder):
        assert (folder / LOCK).exists()
    with folder_lock(folder):
        pass


def test_a_folder_is_let_go_after_an_error(tmp_path):
    """What happens inside does not keep the lock."""
    with pytest.raises(ArithmeticError), folder_lock(tmp_path):
        raise ArithmeticError

    with folder_lock(tmp_path):
        pass


def test_no_file_stays_open(tmp_path):
    """Locks taken, refused and given back leave no descriptor behind."""
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 (numbers, not files)
    for _ in range(3):
        with folder_lock(tmp_path), pytest.raises(RunRefused), folder_lock(tmp_path):
            pass
        with folder_lock(tmp_path, Shard(number=1, of=2)):
            pass

    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208


@pytest.mark.parametrize(
    ("held", "wanted", "expected_text"),
    [
        (None, None, "this suite"),
        (None, Shard(number=1, of=3), "this suite"),
        (Shard(number=1, of=3), None, "this suite"),
        (Shard(number=1, of=3), Shard(number=1, of=3), "the shard 1/3"),
        (Shard(number=1, of=3), Shard(number=2, of=4), "the shard 1/3, of another split than 2/4"),
        (Shard(number=1, of=3), Shard(number=1, of=13), "the shard 1/3, of another split than 1/13"),
    ],
)
def test_who_works_there_is_reported(tmp_path, held, wanted, expected_text):
    """The message has the folder, what runs there and both remedies."""
    with folder_lock(tmp_path, held), pytest.raises(RunRefused) as refused, folder_lock(tmp_path, wanted):
        pass

    assert str(refused.value) == f"{tmp_path}: another process is running {expected_text}; wait for it or stop it"


def test_locks_that_nobody_holds_do_not_count(tmp_path):
    """Files of another split, left by a shard that has ended, are in nobody's way."""
    for shard in (Shard(number=1, of=3), Shard(number=2, of=4), Shard(number=2, of=3)):
        with folder_lock(tmp_path, shard):
            pass

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        LOCK, f"{LOCK}-1-of-3", f"{LOCK}-2-of-3", f"{LOCK}-2-of-4",
    ]  # fmt: skip


def test_looking_at_a_lock_of_another_split_is_in_nobodys_way(tmp_path):
    """Two shards may look at the same abandoned lock at the same moment; files are for all to read and lock."""
    with folder_lock(tmp_path, Shard(number=1, of=3)):
        pass

    with (tmp_path / f"{LOCK}-1-of-3").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with folder_lock(tmp_path, Shard(number=2, of=4)):
            pass

    before = os.umask(0)
    try:
        with folder_lock(tmp_path / "fresh"):
            assert (tmp_path / "fresh" / LOCK).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    """A file in its place is named, with the system's reason."""
    (tmp_path / "file").write_text("mine")

    with pytest.raises(BadInput, match=r"results folder .*/file/tiny: cannot be written \(Not a directory\)"):
        folder_lock(tmp_path / "file" / "tiny").__enter__()

    assert (tmp_path / "file").read_text() == "mine"


def test_what_happens_inside_is_not_taken_for_the_folders_fault(tmp_path):
    """An OSError of the run itself stays what it is."""
    with pytest.raises(FileNotFoundError), folder_lock(tmp_path):
        (tmp_path / "none").read_text()


@pytest.mark.parametrize(("shard", "shared"), [(None, False), (Shard(number=1, of=2), True)])
def test_locks_are_those_of_the_system(tmp_path, shard, shared):
    """A process holds the suite's lock alone, a shard shares it with others."""
    with folder_lock(tmp_path, shard), (tmp_path / LOCK).open() as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if shared:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        else:
            with pytest.raises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_a_file_system_without_locks_is_reported(tmp_path, monkeypatch):
    """Where flock itself fails the message says so, why, and what to do."""

    def flock(file, operation):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(locks.fcntl, "flock", flock)

    with pytest.raises(RunRefused) as refused, folder_lock(tmp_path):
        pass

    assert str(refused.value) == (
        f"{tmp_path}: its file system locks no files (Function not implemented); "
        "use a --results folder on a disk of this machine, and merge"
    )
