"""Mounts: the file system under a folder is found, and one that other machines share is doubted."""

from pathlib import Path

import pytest

from benchmark.storage.filesystem import doubt, kind_of

MOUNTS = r"""
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw,local_lock=none 0 0
tmpfs /home/me/scratch tmpfs rw 0 0
10.0.0.1@tcp:/work /work lustre rw,flock 0 0
me@server:/x /mnt/two\040words fuse.sshfs rw 0 0
/dev/vdb /covered ext4 rw 0 0
//server/share /covered cifs rw 0 0
half a
"""


@pytest.mark.parametrize(
    ("folder", "kind", "doubted"),
    [
        ("/", "ext4", False),
        ("/var/results", "ext4", False),
        ("/home/me/results", "nfs4", True),
        ("/homer/results", "ext4", False),
        ("/home/me/scratch/results", "tmpfs", False),
        ("/work", "lustre", True),
        ("/mnt/two words/results", "fuse.sshfs", True),
        ("/covered/results", "cifs", True),
    ],
)
def test_network_file_systems_are_found(tmp_path, folder, kind, doubted):
    """The deepest and latest mount counts, escapes are read, and only shared file systems are doubted."""
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)

    assert kind_of(Path(folder), table) == kind
    warning = doubt(Path(folder), table)
    assert (warning is not None) == doubted
    if warning:
        assert folder in warning
        assert kind in warning


def test_no_table_of_mounts_means_no_doubt(tmp_path):
    """Where the system has none, nothing is said."""
    assert kind_of(tmp_path, tmp_path / "none") is None
    assert doubt(tmp_path, tmp_path / "none") is None
