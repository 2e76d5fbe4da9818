"""Compiles a C file of this folder and loads it; what was compiled once is kept in the user's cache folder."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch

FLAGS = ("-std=gnu11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-shared", "-fPIC")
"""Without contraction: which products and sums are fused is the source's choice, and not the compiler's."""

INSTRUCTIONS: Mapping[str, tuple[str, ...]] = {
    "AVX512": ("-march=x86-64-v4", "-mprefer-vector-width=512"),
    "AVX2": ("-march=x86-64-v3",),
}
"""By what torch says of the processor. They decide how long it takes, and no bit."""

LONGEST = 300
"""Seconds that a compiler may take."""


class CompilerError(ValueError):
    """There is no C compiler, or it failed; the message says what to install."""


def find_compiler() -> str:
    """Return the path of a C compiler: that of the variable CC, else cc, gcc or clang.

    Raises:
        CompilerError: there is none.
    """
    named = os.environ.get("CC")
    candidates = [named] if named else ["cc", "gcc", "clang"]
    for name in candidates:
        path = shutil.which(name)
        if path is not None:
            return path
    raise CompilerError(f"no C compiler found (looked for {', '.join(candidates)}): install gcc or clang, or set CC")


@cache
def load_library(source: Path, macros: tuple[tuple[str, int], ...]) -> ctypes.CDLL:
    """Compile `source` with the given macros, unless that was done before, and load it.

    Raises:
        CompilerError: no compiler, or one that fails.
    """
    compiler = find_compiler()
    instructions = INSTRUCTIONS.get(torch.backends.cpu.get_cpu_capability(), ())
    flags = (*FLAGS, *instructions, *(f"-D{name}={value}" for name, value in macros))
    key = hashlib.sha256(source.read_bytes() + repr((compiler, flags)).encode()).hexdigest()[:20]
    for folder in (_cache_folder(), Path(tempfile.gettempdir(), f"incumbent-{os.getuid()}")):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            library = folder / f"{source.stem}-{key}.so"
            if not _is_own(library):
                _compile(compiler, flags, source, library)
            return ctypes.CDLL(str(library))
        except OSError as error:  # A folder that cannot be written, or one from which nothing may be executed.
            reason = error
    raise CompilerError(f"{source.name}: what was compiled cannot be kept or loaded ({reason})")


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "incumbent")


def _is_own(library: Path) -> bool:
    """Return whether a file was compiled before, by this user: what others wrote is not loaded."""
    return library.exists() and library.stat().st_uid == os.getuid()


def _compile(compiler: str, flags: tuple[str, ...], source: Path, library: Path) -> None:
    """Compile to a file beside `library` and rename it, so that no other process loads half of one."""
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        compiled = Path(folder, library.name)
        command = [compiler, *flags, str(source), "-o", str(compiled)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LONGEST)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CompilerError(f"{compiler} cannot compile {source.name} ({error})") from error
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise CompilerError(f"{compiler} cannot compile {source.name} ({last}): use gcc 11 or clang 12, or newer")
        compiled.replace(library)
