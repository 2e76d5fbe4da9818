"""Atomic writes: the old content or the new, never half of it, and no draft is left behind."""

import os

import pytest

from benchmark.storage.atomic_write import write_atomically, write_if_changed


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_written_and_replaced(tmp_path, durable):
    """A new file and one that is there hold what was written; nothing else is in the folder."""
    path = tmp_path / "file"
    for data in (b"first", b"second"):
        write_atomically(path, data, durable=durable)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_content_and_no_draft(tmp_path, monkeypatch, call):
    """Whichever step fails, the file is as it was."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os if call == "fsync" else type(path), call, full)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, b"new", durable=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_unchanged_content_is_not_written(tmp_path):
    """The file keeps its inode and time; other content replaces it."""
    path = tmp_path / "file"
    assert write_if_changed(path, b"same")
    before = path.stat()
    assert not write_if_changed(path, b"same")
    assert path.stat() == before
    assert write_if_changed(path, b"other")
