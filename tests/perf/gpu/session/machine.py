"""Describes the machine that figures belong to: device, driver, versions, and what of the libraries is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tests.perf.gpu.session.steps import leave_result

LIBRARIES = {name: name for name in ("joblib", "numpy", "orjson", "rich", "scipy", "threadpoolctl", "torchvision")}
LIBRARIES |= {"sklearn": "scikit-learn"}
"""What a run on a GPU imports, and where it comes from; torchvision reads Fashion-MNIST."""
COMPILED_FOR_THE_DRIVER = ("torch", "triton")
"""What has to be there: builds for a machine's driver are not carried."""
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


def missing_libraries() -> list[str]:
    """The distributions of LIBRARIES that cannot be imported here."""
    return [library for module, library in LIBRARIES.items() if importlib.util.find_spec(module) is None]


def problem_of(machine: Mapping[str, Any], missing: Sequence[str], *, interpreted: bool) -> str | None:
    """Why nothing can be run here, with the remedy; None where it can."""
    absent = [name for name in COMPILED_FOR_THE_DRIVER if name not in machine]
    if absent:
        return f"{sys.executable} has no {' and no '.join(absent)}; name a Python that has by PYTHON=..."
    if missing:
        return f"missing here: {', '.join(missing)}; carry wheels of them: make gpu-carry WHEELS='{' '.join(missing)}'"
    if machine["device"] is None and not interpreted:
        return "no CUDA device here; --interpret runs everything in Triton's interpreter at tiny size"
    return None


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def main(arguments: list[str]) -> int:
    """Leave the machine's description; exit code 1 where nothing can be run on it (in the interpreter, given that)."""
    machine, missing = describe_machine(), missing_libraries()
    leave_result({**machine, "missing": missing})
    problem = problem_of(machine, missing, interpreted="--interpret" in arguments)
    print(problem or json.dumps(machine))
    return int(problem is not None)
