"""Writes files whole: a reader, or a command that was interrupted, never meets half of one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from benchmark.errors import BadInput


def write_atomically(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a file beside its place, then rename it onto that.

    Several processes may write the same path at the same time.

    Args:
        path: of the file; its folder exists.
        data: its content.
        durable: return only when the file and its name are on the disk.
    """
    draft = path.with_name(f".{uuid4().hex}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Refuse a folder's name that a file already bears."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: a file is where a folder must be; move it away")


def write_files(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, which is made if need be, each atomically; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        write_atomically(folder / name, data)
    return [folder / name for name in contents]


def write_if_changed(path: Path, data: bytes) -> bool:
    """Write a file atomically unless it holds these bytes already; return whether it was written."""
    if path.is_file() and path.read_bytes() == data:
        return False
    write_atomically(path, data)
    return True


def sync_folder(folder: Path) -> None:
    """Make new, renamed and removed entries of a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_or_refuse(path: Path, data: bytes) -> None:
    """Write a file atomically.

    Raises:
        BadInput: it cannot be written; the message names it and the system's reason.
    """
    try:
        write_atomically(path, data)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from error
