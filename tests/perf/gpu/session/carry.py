"""The folder that is carried to a machine without a network: Fashion-MNIST, compiled kernels, missing libraries."""

from __future__ import annotations

import argparse
import importlib.metadata
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_BYTES = 60 * 2**20
"""Of the folder and the files under version control together."""
RAW = Path("FashionMNIST", "raw")
KERNELS = "triton.tar.xz"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""What wheels may be built for; pip takes the names literally."""
LOCK = Path(__file__).parents[4] / "requirements.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What was carried, unpacked.

    Attributes:
        data: folder with FashionMNIST/raw; None without.
        environment: variables with which libraries and compiled kernels are found.
        content: what of it was there.
        cache: folder of compiled kernels.
        kernels: how many it held.
    """

    data: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    cache: Path | None = None
    kernels: int = 0

    def count_new_kernels(self) -> int | None:
        """How many kernels have been compiled since; None where none were carried."""
        return None if self.cache is None else count_entries(self.cache) - self.kernels


def main(arguments: list[str]) -> int:
    """Prepare the folder; exit code 1 where it is too large to be carried."""
    parser = argparse.ArgumentParser(prog="tests.perf.gpu carry", description=__doc__, allow_abbrev=False)
    parser.add_argument("--to", type=Path, required=True, help="the folder; what is in it is replaced")
    parser.add_argument("--data", type=Path, help="folder with FashionMNIST/raw")
    parser.add_argument("--kernels", type=Path, help="folder of a Triton cache, as `cache` makes it")
    parser.add_argument("--wheels", nargs="*", default=["orjson"], help="libraries that the machine lacks")
    parser.add_argument("--python", default="3.12", help="the machine's Python")
    parsed = parser.parse_args(arguments)
    if parsed.data is not None and not (parsed.data / RAW).is_dir():
        parser.error(f"--data {parsed.data}: {parsed.data / RAW} is not there")
    if parsed.kernels is not None and not parsed.kernels.is_dir():
        parser.error(f"--kernels {parsed.kernels}: there is no such folder")
    try:
        prepare(parsed.to, parsed.data, parsed.kernels, parsed.wheels, parsed.python)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return report_size(parsed.to)


def prepare(folder: Path, data: Path | None, kernels: Path | None, wheels: list[str], python: str) -> None:
    """Fill the folder anew.

    Raises:
        ValueError: a file of Fashion-MNIST is damaged, or there is no such wheel.
        OSError: a file is not there.
    """
    raw = [] if data is None else verified_files(data / RAW)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if raw:
        pack_data(raw, folder / "fashion_mnist")
    if kernels is not None:
        pack_kernels(kernels, folder / KERNELS)
    if wheels:
        download_wheels(wheels, python, folder / "wheels")


def verified_files(folder: Path) -> list[Path]:
    """The four files of Fashion-MNIST, whose checksums are the published ones."""
    from objectives.training.data import FASHION_MNIST_SHA256, verified_sha256

    for name, digest in FASHION_MNIST_SHA256.items():
        verified_sha256(folder / name, digest)
    return [folder / name for name in FASHION_MNIST_SHA256]


def pack_data(files: list[Path], folder: Path) -> None:
    """Compress every file by xz."""
    folder.mkdir()

    def pack(file: Path) -> None:
        with file.open("rb") as source, lzma.open(folder / f"{file.name}.xz", "wb") as packed:
            shutil.copyfileobj(source, packed)

    with ThreadPoolExecutor() as threads:
        list(threads.map(pack, files))


def pack_kernels(cache: Path, file: Path) -> None:
    """Compress a Triton cache, which is mostly repetition: 36 MB become 2."""
    with tarfile.open(file, "w:xz") as packed:
        packed.add(cache, arcname=".")


def download_wheels(names: list[str], python: str, folder: Path) -> None:
    """Fetch wheels for Linux on x86-64, at the locked versions where the lock has them.

    Raises:
        ValueError: pip has not found them all; it has said why.
    """
    versions = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", LOCK.read_text(), flags=re.MULTILINE))
    wanted = [f"{name}=={versions[name]}" if name in versions else name for name in names]
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *platforms]
    if subprocess.run([*command, f"--dest={folder}", *wanted], check=False).returncode != 0:
        raise ValueError(f"--wheels {' '.join(names)}: pip has not found all of them for Python {python} (above)")


def report_size(folder: Path) -> int:
    """Print what the folder holds; exit code 1 where it is too much together with the files under version control."""
    sizes = {part.name: folder_bytes(part) for part in sorted(folder.iterdir())}
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=LOCK.parent, capture_output=True, text=True, check=False)
    files = [LOCK.parent / name for name in listed.stdout.split("\0") if name]
    sizes["files under version control"] = sum(file.stat().st_size for file in files if file.is_file())
    for name, size in sizes.items():
        print(f"{size / 2**20:8.1f} MiB  {name}")
    total = sum(sizes.values())
    print(f"{total / 2**20:8.1f} MiB  to carry, at most {MOST_BYTES / 2**20:.0f}")
    return int(total > MOST_BYTES)


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder, *folder.rglob("*")) if path.is_file())


def unpack(carried: Path | None, work: Path) -> Carried:
    """Unpack what was carried into a folder that can be written.

    Args:
        carried: folder that `main` has prepared; where there is none, nothing is carried.
        work: where to.

    Raises:
        ValueError: a file is damaged.
    """
    try:
        return _unpack(carried, work) if carried is not None and carried.is_dir() else Carried()
    except (EOFError, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ValueError(f"{carried}: a file is damaged ({error}); prepare it again: make gpu-carry") from error


def _unpack(carried: Path, work: Path) -> Carried:
    environment: dict[str, str] = {}
    data, cache = unpack_data(carried / "fashion_mnist", work / "data"), None
    libraries = unpack_wheels(carried / "wheels", work / "libraries")
    if libraries:
        paths = (str(work / "libraries"), os.environ.get("PYTHONPATH"))
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    if (carried / KERNELS).is_file():
        cache = work / "triton"
        with tarfile.open(carried / KERNELS) as packed:
            packed.extractall(cache, filter="data")
        environment["TRITON_CACHE_DIR"] = str(cache)
    kernels = count_entries(cache) if cache else 0
    content = {"fashion_mnist": data is not None, "kernels": kernels, "libraries": libraries}
    return Carried(data=data, environment=environment, content=content, cache=cache, kernels=kernels)


def unpack_data(packed: Path, folder: Path) -> Path | None:
    """Decompress the four files of Fashion-MNIST, side by side; None where there are none."""
    files = sorted(packed.glob("*.xz"))
    if not files:
        return None
    (folder / RAW).mkdir(parents=True)

    def unpack_one(file: Path) -> None:
        with lzma.open(file) as source, (folder / RAW / file.stem).open("wb") as target:
            shutil.copyfileobj(source, target)

    with ThreadPoolExecutor() as threads:
        list(threads.map(unpack_one, files))
    return folder


def unpack_wheels(wheels: Path, folder: Path) -> list[str]:
    """Unpack the wheels of libraries that are not installed; return their names."""
    unpacked = []
    for wheel in sorted(wheels.glob("*.whl")):
        name = wheel.name.split("-")[0]
        try:
            importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            zipfile.ZipFile(wheel).extractall(folder)
            unpacked.append(name)
    return unpacked


def count_entries(cache: Path) -> int:
    """Number of a Triton cache's folders; each holds one compiled kernel or launcher."""
    return sum(1 for path in cache.iterdir() if path.is_dir())
