"""Writes files whole: a reader, or an interrupted command, never meets half of one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from analysis.errors import BadInput


def check_folder(folder: Path) -> None:
    """Refuse a folder's name that a file already bears."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: a file is where a folder must be; move it away")


def write_all(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, each first beside its place and then renamed onto it."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / name, data) for name, data in contents.items()]


def _write(path: Path, data: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
