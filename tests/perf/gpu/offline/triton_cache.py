"""Fills a Triton cache without a GPU, so that a device compiles nothing: `python -m tests.perf.gpu cache --to FOLDER`.

The folder is given to the device as TRITON_CACHE_DIR, under any name. Triton finds a kernel there again if its own
version and Python's are those of this machine; nothing else of the machine or of the checkout's path matters.
Triton 3.6 also compiles a launcher in C for every signature; they are built here against a library that only has the
driver's names, where there is a C compiler.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from objectives.objective import PRECISIONS
from tests.perf.gpu.offline.compilation import NETWORKS, SIDES, Specialisation, compile_network

DRIVER = "libcuda.so.1"


def main(arguments: list[str]) -> int:
    """Compile into the folder, and say how much it holds."""
    parsed = parser().parse_args(arguments)
    os.environ |= {"TRITON_CACHE_DIR": str(parsed.to.resolve()), "TRITON_STORE_BINARY_ONLY": "1"}
    kernels = [
        kernel
        for data in parsed.data
        for network in parsed.networks
        for precision in parsed.precisions
        for kernel in compile_network(network, precision, data)
    ]
    compiler = shutil.which(os.environ.get("CC", "gcc")) or shutil.which("clang")
    if compiler is None:
        print("no C compiler here: launchers are left to the device", file=sys.stderr)
    else:
        build_launchers(kernels, compiler)
    folders = [path for path in parsed.to.iterdir() if path.is_dir()]
    size = sum(path.stat().st_size for path in parsed.to.rglob("*") if path.is_file())
    print(f"{parsed.to}: {len(folders)} kernels and launchers, {size / 2**20:.1f} MiB")
    return 0


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="tests.perf.gpu cache", description=__doc__, allow_abbrev=False)
    found.add_argument("--to", type=Path, required=True, help="the folder; what is in it stays")
    found.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    found.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    found.add_argument("--data", nargs="+", choices=SIDES, default=list(SIDES))
    return found


def build_launchers(kernels: Iterable[Specialisation], compiler: str) -> None:
    """Build what Triton would on the device's first launches, into the cache."""
    with tempfile.TemporaryDirectory() as folder:
        build_driver_names(Path(folder), compiler)
        os.environ["TRITON_LIBCUDA_PATH"] = folder
        ctypes.CDLL(str(Path(folder, DRIVER)), mode=ctypes.RTLD_GLOBAL)
        from triton.backends.nvidia.driver import (  # type: ignore[import-untyped,unused-ignore]
            CudaLauncher,
            CudaUtils,
        )

        CudaUtils()
        for kernel in kernels:
            CudaLauncher(kernel.source, kernel.metadata)


def build_driver_names(folder: Path, compiler: str) -> None:
    """Build a library that has every name of NVIDIA's driver that Triton's sources mention, and does nothing."""
    from triton.backends import nvidia  # type: ignore[import-untyped,unused-ignore]

    sources = "".join(Path(nvidia.__path__[0], name).read_text() for name in ("driver.c", "driver.py"))
    names = sorted(set(re.findall(r"\bcu[A-Z]\w+", sources)))
    source = folder / "names.c"
    source.write_text("".join(f"int {name}(void) {{ return 0; }}\n" for name in names))
    command = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{DRIVER}", "-o", str(folder / DRIVER), str(source)]
    subprocess.run(command, check=True, capture_output=True)
