"""A disk that loses power: what was written but not synced may be gone, in part or all, or be zeros."""

import os
from pathlib import Path


class PowerLossDisk:
    """The `os` module for a ledger, but for `fsync`, which notes what is durable of one folder.

    Attributes:
        durable: bytes that a power loss leaves of each file, by inode.
        names: names that a power loss leaves, with the inodes behind them.
    """

    def __init__(self, folder):
        self.folder = folder
        self.durable: dict[int, bytes] = {}
        self.names: dict[str, int] = {}

    def __getattr__(self, name):
        return getattr(os, name)

    def fsync(self, file):
        """Make a file, or a folder's names, durable; the real disk is spared."""
        path = Path(f"/proc/self/fd/{file}").readlink()
        if path.is_dir():
            self.names = {entry.name: entry.stat().st_ino for entry in path.iterdir()}
        else:
            self.durable[os.fstat(file).st_ino] = path.read_bytes()

    def lose_power(self, kept, zeros, *, old_names):
        """Leave of every file what is durable and `kept` bytes more, then `zeros` zero bytes where others were.

        Args:
            kept: unsynced bytes that had come so far.
            zeros: bytes whose block was there, but not its content.
            old_names: whether names that were not synced are lost too.
        """
        files = {entry.stat().st_ino: entry.read_bytes() for entry in self.folder.iterdir()}
        names = self.names if old_names else {entry.name: entry.stat().st_ino for entry in self.folder.iterdir()}
        for entry in self.folder.iterdir():
            entry.unlink()
        after = {}
        for name, inode in names.items():
            synced = self.durable.get(inode, b"")
            if not files[inode].startswith(synced):  # Cut back since, but not durably so.
                left = synced
            else:
                left = files[inode][: len(synced) + kept]
                left += b"\0" * min(zeros, len(files[inode]) - len(left))
            (self.folder / name).write_bytes(left)
            after[name] = left
        inodes = {name: (self.folder / name).stat().st_ino for name in after}
        self.names = inodes
        self.durable = {inodes[name]: left for name, left in after.items()}
