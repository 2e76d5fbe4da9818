"""What kind of file system a folder is on, and whether a lock there reaches other machines.

Linux carries `flock` over NFS as a byte-range lock of the server (flock(2)), unless it is mounted with
`nolock` or `local_lock` (nfs(5)); Lustre refuses it without the mount option `flock`, and with `localflock`
keeps it on the node (mount.lustre(8)). A process cannot tell which it got, so all of them are doubted.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

TABLE = Path("/proc/mounts")

NETWORKED = (
    *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "coda", "ncpfs", "9p", "virtiofs"),
    *("lustre", "gpfs", "beegfs", "ceph", "ceph-fuse", "glusterfs", "orangefs", "pvfs2", "panfs", "wekafs"),
    *("gfs2", "ocfs2", "acfs", "juicefs", "sshfs", "s3fs", "davfs", "davfs2"),
)
"""File systems that other machines may have mounted too; `fuse.` before a name is left out."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


def kind_of(folder: Path, table: Path = TABLE) -> str | None:
    """The type of the file system that holds a folder, or will; None where the system does not say.

    Args:
        folder: need not be there yet.
        table: in the format of /proc/mounts (proc(5)); later lines cover earlier ones.
    """
    try:
        lines = os.fsdecode(table.read_bytes()).split("\n")
    except OSError:
        return None
    real = Path(os.path.realpath(folder))
    deepest, kind = -1, None
    for fields in (line.split(" ") for line in lines):
        if len(fields) > 2 and real.is_relative_to(point := Path(_plain(fields[1]))) and len(point.parts) >= deepest:
            deepest, kind = len(point.parts), fields[2]
    return kind


def doubt(folder: Path, table: Path = TABLE) -> str | None:
    """A warning for whoever starts several machines on this folder, or None on a disk of this machine's own."""
    kind = kind_of(folder, table)
    if kind is None or kind.removeprefix("fuse.") not in NETWORKED:
        return None
    return (
        f"{folder} is on a network file system ({kind}), whose locks may not reach other machines: "
        "start every shard on one machine only, or give each a --results folder of its own and merge them"
    )


def _plain(path: str) -> str:
    """A mount point without its escapes; a blank stands there as a backslash and 040."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), path)
