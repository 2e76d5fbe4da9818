"""Describes the environment of a run: versions, hardware, code. No host name; of variables, a fixed list."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from benchmark.errors import PROGRAM
from benchmark.reproducibility.process_state import describe_settings, settings_of_trainings
from benchmark.reproducibility.source_digests import ROOT

DECIDES_BITS = (
    *("arch", "arithmetic", "cpu_capability", "device", "numpy", "scipy", "threads", "torch", "libraries"),
    "switches",
)
"""Fields that must not change between the two halves of a run that is resumed; libraries are the algorithm's."""

SETTINGS_FIELD = "settings"
"""Field with the settings of the process that decide bits: as strict, as far as both halves name them."""

CPU_SWITCHES = (
    *("ATEN_CPU_CAPABILITY", "BLIS_ARCH_TYPE", "GLIBC_TUNABLES", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"),
    *("MKL_CBWR", "MKL_DEBUG_CPU_TYPE", "MKL_ENABLE_INSTRUCTIONS", "MKL_VML_MODE", "OPENBLAS_CORETYPE"),
    *("DNNL_CPU_ISA_HINTS", "DNNL_DEFAULT_FPMATH_MODE", "DNNL_MAX_CPU_ISA"),
    *("ONEDNN_CPU_ISA_HINTS", "ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA"),
)
"""Variables by which libraries choose kernels or their precision, and so other bits on the same machine."""

GPU_SWITCHES = (
    *("CUBLASLT_WORKSPACE_SIZE", "CUBLAS_WORKSPACE_CONFIG", "CUDNN_CONV_WSCAP_DBG", "NVIDIA_TF32_OVERRIDE"),
    *("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "TORCH_BLAS_PREFER_CUBLASLT", "TRITON_F32_DEFAULT"),
)
"""The same for the libraries of a GPU; no result on a CPU depends on them."""

CUBLAS_WORKSPACE = ":4096:8"
"""Value of CUBLAS_WORKSPACE_CONFIG where the user sets none: without one, cuBLAS may give other bits each time."""

LONGEST_SWITCH = 64

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that a library reads for its number of threads when it is loaded."""

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "joblib", "pandas")


def describe_without_training(jobs: int) -> dict[str, Any]:
    """Describe the machine, its libraries and the code where nothing is trained; it does without torch."""
    card = _describe_machine(jobs)
    variables = bit_changing_variables("cpu")
    return {**card, "switches": variables} if variables else card


def _describe_machine(jobs: int) -> dict[str, Any]:
    return {
        **{name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "arch": platform.machine(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "threads": 1,
        "jobs": jobs,
        "code": describe_version(ROOT),
    }


def describe_environment(device: str, jobs: int) -> dict[str, Any]:
    """Describe the machine, its libraries and the code, for the header of every ledger."""
    import torch

    capability = {"cpu_capability": torch.backends.cpu.get_cpu_capability(), "device": device}
    card: dict[str, Any] = _describe_machine(jobs) | capability
    if device.startswith("cuda"):
        properties = torch.cuda.get_device_properties(torch.device(device))
        card |= {
            "device": properties.name,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]  # unannotated in torch
            "tf32": False,  # Of library products, see below; our own kernels' precision is in the arithmetic.
        }
    with deterministic_arithmetic(device):
        card[SETTINGS_FIELD] = describe_settings(device)
    if variables := bit_changing_variables(device):
        card["switches"] = variables
    return card


def bit_changing_variables(device: str) -> dict[str, str]:
    """Return those variables that are set and change bits on this device, long values by their digest; mostly none."""
    names = [*CPU_SWITCHES, *(GPU_SWITCHES if device.startswith("cuda") else ())]
    variables = {name: _value_or_digest(os.environ[name]) for name in names if os.environ.get(name)}
    if variables.get("CUBLAS_WORKSPACE_CONFIG") == CUBLAS_WORKSPACE:
        del variables["CUBLAS_WORKSPACE_CONFIG"]
    return variables


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread while algorithms decide and nothing is trained, also in torch, should one of them import it."""
    from threadpoolctl import threadpool_limits

    if "torch" in sys.modules:
        with deterministic_arithmetic("cpu"):
            yield
        return
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        with threadpool_limits(1):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def deterministic_arithmetic(device: str) -> Iterator[None]:
    """Use one thread and deterministic kernels while a run trains; restore the old settings after.

    The number of threads changes the bits of matrix products on the CPU, so it is one for one job as
    for many.
    """
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    if device.startswith("cuda"):
        if ":" in device:  # Triton launches on the current device, whatever the tensors' one.
            torch.cuda.set_device(device)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_WORKSPACE)
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        torch.set_num_threads(1)
        with threadpool_limits(1), settings_of_trainings():
            yield
    finally:
        torch.set_num_threads(threads)
        if torch.are_deterministic_algorithms_enabled() != deterministic:  # Setting it imports the compiler: 1.6 s.
            torch.use_deterministic_algorithms(deterministic)


def _value_or_digest(value: str) -> str:
    if len(value) <= LONGEST_SWITCH and value.isascii() and value.isprintable():
        return value
    return f"sha256:{hashlib.sha256(os.fsencode(value)).hexdigest()[:16]}"


def _version(package: str) -> str | None:
    try:
        return distribution(package).version
    except PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def describe_version(root: Path) -> str:
    """Return the commit of the harness, with `+changes` when the tree differs from it; where installed, its version.

    Args:
        root: the folder that has its packages. An installation may lie in the repository of a project that uses it,
            whose commit says nothing of the harness.
    """
    if not (root / ".git").exists():
        return _installed_version(root)
    try:
        commit = _git(root, "rev-parse", "--short=12", "HEAD")
        return commit + ("+changes" if _git(root, "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return "unknown"


def _installed_version(root: Path) -> str:
    with suppress(PackageNotFoundError):
        installed = distribution(PROGRAM)
        if Path(str(installed.locate_file(""))).resolve() == root.resolve():  # And not another copy.
            return f"{PROGRAM} {installed.version}"
    return "unknown"


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
