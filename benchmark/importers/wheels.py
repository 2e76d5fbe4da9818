"""Installs the wheels that hold tables, by hash, each into a folder of its own; nothing of them is ever imported."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmark.errors import BadInput, one_line

INSTALL = (
    *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
    *("--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"),
)
"""No source distribution is taken: its build would execute what it brings."""


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
