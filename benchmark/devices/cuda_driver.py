"""Why torch finds no GPU: its build, the variable that hides them, the driver. Each with its remedy."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from benchmark.errors import short_repr

VISIBLE = "CUDA_VISIBLE_DEVICES"
KERNEL_DRIVER = Path("/proc/driver/nvidia/version")
"""There where the kernel has NVIDIA's driver, also in a container that was not given its library."""


def explain_no_gpu(words_of_torch: str) -> tuple[str, str]:
    """Say what is in the way of a GPU, and what to do about it.

    Args:
        words_of_torch: its warning or error, or nothing.

    Returns:
        What was found, and the remedy.
    """
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        return f"torch {torch.__version__} is built without CUDA", "install a build of torch with CUDA"
    findings, remedies = [], []
    supported = supported_cuda_version()
    if supported is None:
        findings.append(
            "no NVIDIA driver was found" + (", only its part in the kernel" if _kernel_has_driver() else "")
        )
        inside = "give the container the GPU and its driver, as by --gpus all"
        remedies.append(inside if _kernel_has_driver() else "install NVIDIA's driver (nvidia-smi must list the GPU)")
    elif supported[0] < _major(torch.version.cuda):
        findings.append(f"the NVIDIA driver is too old: it supports CUDA {_text(supported)}, torch is built for CUDA "
                     f"{torch.version.cuda}")  # fmt: skip
        remedies.append(f"update the driver, or install a torch that is built for CUDA {supported[0]}")
    visible = os.environ.get(VISIBLE)
    if visible is not None:
        findings.append(f"{VISIBLE} is {short_repr(visible)}")
        remedies.append(f"unset {VISIBLE}")
    if not findings:
        findings.append(f"the driver for CUDA {_text(supported)} shows torch none")
        remedies.append("see whether nvidia-smi lists one")
    if words_of_torch and supported is not None:
        findings.append(f"torch says: {words_of_torch}")
    return ", and ".join(findings), ", and ".join(remedies)


def supported_cuda_version() -> tuple[int, int] | None:
    """The latest version of CUDA that NVIDIA's driver supports; None without a driver."""
    version = ctypes.c_int(0)
    try:
        failed = ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    return None if failed else (version.value // 1000, version.value % 1000 // 10)


def driver_version() -> str | None:
    """The version of NVIDIA's driver in the kernel, as nvidia-smi prints it; None without one."""
    try:
        words = KERNEL_DRIVER.read_text().split()
    except OSError:
        return None
    return next((word for word in words if word[0].isdigit() and word.count(".") in (1, 2)), None)


def _kernel_has_driver() -> bool:
    return KERNEL_DRIVER.exists()


def _major(version: str | None) -> int:
    return int(version.partition(".")[0]) if version else 0


def _text(version: tuple[int, int] | None) -> str:
    return "unknown" if version is None else f"{version[0]}.{version[1]}"
