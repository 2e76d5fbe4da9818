"""Installs the wheels that hold tables, by hash, each into a folder of its own; nothing of them is ever imported."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import shutil
import subprocess
import sys
from pathlib import Path

from benchmark.errors import BadInput, one_line
from benchmark.storage.untrusted_files import read_limited

INSTALL = (
    *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
    *("--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"),
)
"""No source distribution is taken: its build would execute what it brings."""


LARGEST_RECORD = 10_000_000


def read_wheel_file(folder: Path, name: str, largest: int) -> bytes:
    """Read a file of an installed wheel, if it is the one that the wheel brought.

    Args:
        folder: that the wheel was installed into.
        name: of the file in the wheel, with slashes.
        largest: bytes that it may have.

    Raises:
        BadInput: no such file, too large a one, or another one than the wheel's record names by its digest.
    """
    data = read_limited(folder / name, largest)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    if _recorded_digest(folder, name) != f"sha256={digest}":
        raise BadInput(
            f"{folder / name}: not the file that the wheel brought; remove {folder}, and it is installed anew"
        )
    return data


def _recorded_digest(folder: Path, name: str) -> str | None:
    """The digest of a file in the wheel's record."""
    records = sorted(folder.glob("*.dist-info/RECORD"))
    text = b"".join(read_limited(record, LARGEST_RECORD) for record in records).decode(errors="replace")
    return next((row[1] for row in csv.reader(io.StringIO(text)) if len(row) == 3 and row[0] == name), None)


def install_wheel(name: str, version: str, folder: Path) -> Path:
    """Return the folder that holds a wheel's files; install it there if need be.

    Args:
        name: of the package, as its lock `requirements-<name>.lock` in this room has it.
        version: of the package.
        folder: of all wheels.

    Raises:
        BadInput: the package cannot be had, or has another hash than the lock says.
    """
    target = folder / f"{name}-{version}"
    if target.is_dir():
        return target
    draft = folder / f".{target.name}"
    shutil.rmtree(draft, ignore_errors=True)
    lock = Path(__file__).parent / f"requirements-{name}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, *INSTALL, "--target", str(draft), "--requirement", str(lock)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "error" in line.lower()] or ["pip says nothing"]
            raise BadInput(
                f"{name} {version}: pip cannot install it ({' '.join(said[-1].split())[:300]}); "
                "PIP_FIND_LINKS names a folder in which the wheel lies already"
            )
        draft.rename(target)
    except OSError as error:
        raise BadInput(f"{target}: cannot be written ({one_line(error)})") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target
