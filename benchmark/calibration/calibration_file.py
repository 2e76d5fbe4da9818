"""Writes calibrations as TOML files, and adds to an existing one."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from benchmark.calibration.cost_model import NAME, NAME_RULE, Calibration, load_calibration, parse_calibration
from benchmark.errors import BadInput, short_repr
from benchmark.reproducibility.environment import describe_environment
from benchmark.storage.atomic_write import write_atomically
from objectives.objective import Machine

VERSIONS = ("arch", "cpu_capability", "cuda", "cudnn", "numpy", "threads", "torch")
"""Fields of the environment that decide how fast a device is besides its name."""


def open_calibration(name: str | None, out: Path | None, machine: Machine) -> tuple[Path, Calibration]:
    """Return the file to write, and the calibration in it so far: without cost models if there is no such file.

    Args:
        name: of the calibration; None takes the file's, or makes one of the device's.
        out: None is a file of that name in the working folder.
        machine: the device.

    Raises:
        BadInput: a bad name, a file that cannot be written, or one with a calibration of another
            name, device or version.
    """
    card = describe_environment(machine.device, 1)
    device = str(card["cpu"] if machine.device == "cpu" else card["device"])
    versions = {key: str(card[key]) for key in VERSIONS if card.get(key) is not None}
    if name is None:
        name = out.stem if out is not None else re.sub("[^a-z0-9]+", "-", device.lower()).strip("-")
    if not NAME.fullmatch(name):
        raise BadInput(f"--name {short_repr(name)}: need {NAME_RULE}")
    path = Path(f"{name}.toml") if out is None else out
    fresh = Calibration(name=name, device=device, versions=versions, cost_models=())
    return path, _read_existing(path, fresh)


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write the calibration's file, at once or not at all.

    Raises:
        BadInput: it cannot be written.
    """
    text = calibration.to_toml()
    assert parse_calibration(tomllib.loads(text)).to_toml() == text, "what is written is what will be read"
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise BadInput(f"--out {short_repr(str(path))}: cannot be written ({error.strerror})") from error


def _read_existing(path: Path, fresh: Calibration) -> Calibration:
    """Return the calibration in the file if it may be added to, or `fresh` if there is no file."""
    field = f"--out {short_repr(str(path))}"
    try:
        exists = path.exists()
    except OSError as error:
        raise BadInput(f"{field}: cannot be written ({error.strerror})") from error
    if exists:
        old = load_calibration(str(path if path.suffix == ".toml" else path.absolute()))
        for name in ("name", "device", "versions"):
            before, now = getattr(old, name), getattr(fresh, name)
            if before != now:
                raise BadInput(f"{field}: holds a calibration with {name} {before}, this one has {now}")
        return old
    if path.suffix != ".toml":
        raise BadInput(f"{field}: need a path to a .toml file")
    if not os.access(path.absolute().parent, os.W_OK):
        raise BadInput(f"{field}: its folder is not there or cannot be written")
    return fresh
