"""What may be read: regular files up to a size; a pipe is refused, not waited for."""

import os

import pytest

from analysis.errors import BadInput
from analysis.loading.untrusted_files import read_regular_file


def test_a_file_is_read(tmp_path):
    """Up to the size that is allowed, to the byte."""
    path = tmp_path / "file"
    path.write_bytes(b"12345")

    assert read_regular_file(path, 5) == b"12345"


def test_too_long_a_file_is_refused(tmp_path):
    """The path, its size and the limit are told."""
    path = tmp_path / "file"
    path.write_bytes(b"123456")

    with pytest.raises(BadInput) as refused:
        read_regular_file(path, 5)

    assert str(refused.value) == f"{path}: of 6 bytes, at most 5 are read"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_refused(tmp_path, make):
    """A pipe that nobody writes to, a folder."""
    make(tmp_path / "file")

    with pytest.raises(BadInput) as refused:
        read_regular_file(tmp_path / "file", 5)

    assert str(refused.value) == f"{tmp_path / 'file'}: not a regular file"
