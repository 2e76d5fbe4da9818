"""Describes the machine that figures belong to: device, driver, versions, and what of the libraries is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import re
import subprocess
import sys
from typing import Any

from tests.perf.gpu.session.steps import leave_result

MODULES = ("joblib", "numpy", "orjson", "rich", "scipy", "sklearn", "threadpoolctl", "torch", "torchvision", "triton")
"""What a run on a GPU imports; torchvision reads Fashion-MNIST."""
VERSIONS = ("numpy", "scipy", "torch", "triton")
DEVICE = """
import json, torch
found = None
if torch.cuda.is_available():
    it = torch.cuda.get_device_properties(0)
    found = {"name": it.name, "multiprocessors": it.multi_processor_count, "memory_gib": it.total_memory / 2**30,
             "compute_capability": [it.major, it.minor], "cuda": torch.version.cuda}
print(json.dumps(found))
"""


def describe_machine() -> dict[str, Any]:
    """The first GPU's name (None without one) and properties, and versions; asked for in another process."""
    versions = {name: importlib.metadata.version(name) for name in VERSIONS if importlib.util.find_spec(name)}
    found = {"python": platform.python_version(), **versions}
    asked = subprocess.run([sys.executable, "-c", DEVICE], capture_output=True, text=True, timeout=120, check=False)
    properties = json.loads(asked.stdout) if asked.returncode == 0 else None
    if properties is None:
        return {**found, "device": None}
    return {**found, "device": properties.pop("name"), **properties, "driver": driver()}


def driver() -> dict[str, str] | None:
    """The driver's version and the device's clocks and power limit by nvidia-smi, where there is one."""
    fields = ("driver_version", "clocks.sm", "clocks.max.sm", "power.limit")
    command = ["nvidia-smi", "--id=0", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(zip(fields, (value.strip() for value in asked.stdout.strip().split(",")), strict=False))


def missing_modules() -> list[str]:
    """What of MODULES cannot be imported here."""
    return [name for name in MODULES if importlib.util.find_spec(name) is None]


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def main(arguments: list[str]) -> int:
    """Leave the machine's description; exit code 1 where a library is missing or, unless "--interpret", a GPU."""
    machine, missing = describe_machine(), missing_modules()
    leave_result({**machine, "missing": missing})
    print(json.dumps(machine))
    if missing:
        print(f"missing here: {', '.join(missing)}; carry wheels of them: make gpu-carry WHEELS='{' '.join(missing)}'")
        return 1
    if machine["device"] is None and "--interpret" not in arguments:
        print("no CUDA device here; --interpret runs everything in Triton's interpreter at tiny size")
        return 1
    return 0
