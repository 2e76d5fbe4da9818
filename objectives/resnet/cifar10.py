"""CIFAR-10 (Krizhevsky, 2009) in an order that follows from its content, from either of two sources.

The order of the official batches and that of other copies differ, so images are sorted by the SHA-256 of label and
pixels: whoever has the same images has the same data. The first 5 000 training images in that order are for
validation, those after them for training.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import torch

from objectives.objective import Machine
from objectives.training.data import DEFAULT_FOLDER, Images, Split
from objectives.training.data_error import DataError

SIDE = 32
CLASSES = 10
VALID_ROWS = 5_000
MOST_TRAIN_ROWS = 45_000
TEST_ROWS = 10_000

DIGESTS = {
    20_000: "fe805b058b9289c9c4ae97ccddce3ce48e50e4178cc6fc05994585fda9c3e8c8",
    50_000: "cfb528b646a4646200e75e673d00407a0c48ccfaf9efe2fe2a26ca893015f4a9",
}
"""SHA-256 of the pixels and then the labels of the first so many training images, as bytes."""
TEST_DIGEST = "fb8ceb32bc6c6d9be32f824e5b004c1f34a3dcebe2d501fb9740871c554bcdc5"

BATCHES = "cifar-10-batches-py"
"""Folder of the official batches, as torchvision unpacks them."""
ARRAY_PARTS: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
"""What a pickled array is made from; arrays themselves say which function rebuilds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """Images as they are stored: `x` (n, 32, 32, 3) uint8, `y` (n,) uint8."""

    x: np.ndarray
    y: np.ndarray

    def digest(self, rows: int) -> str:
        """SHA-256 of the first so many images."""
        return hashlib.sha256(self.x[:rows].tobytes() + self.y[:rows].tobytes()).hexdigest()


def load_split(machine: Machine, train_rows: int) -> Split:
    """Load the images on the machine's device: `x` (n, 3, 32, 32) uint8, `y` (n,) int64.

    Args:
        machine: device and data folder.
        train_rows: images to train on.

    Raises:
        DataError: images that are missing or others than expected, with the remedy.
    """
    return _split(machine.device, machine.data, train_rows)


def checksums(machine: Machine, train_rows: int) -> dict[str, str]:
    """Digests of the images used, the same from either source."""
    train, test = _load(machine.data, train_rows)
    return {"cifar10-train": train.digest(VALID_ROWS + train_rows), "cifar10-test": test.digest(TEST_ROWS)}


def sort_by_content(x: np.ndarray, y: np.ndarray) -> Pixels:
    """Sort images by the SHA-256 of label and pixels."""
    keys = [hashlib.sha256(bytes([label]) + image.tobytes()).digest() for image, label in zip(x, y, strict=True)]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return Pixels(x=x[order], y=y[order])


@cache
def _split(device: str, folder: Path | None, train_rows: int) -> Split:
    train, test = _load(folder, train_rows)
    valid = _images(train, slice(VALID_ROWS), device)
    return Split(
        train=_images(train, slice(VALID_ROWS, VALID_ROWS + train_rows), device),
        valid=valid,
        test=_images(test, slice(TEST_ROWS), device),
    )


def _images(pixels: Pixels, rows: slice, device: str) -> Images:
    x = torch.from_numpy(np.ascontiguousarray(pixels.x[rows].transpose(0, 3, 1, 2)))
    return Images(x=x.to(device), y=torch.from_numpy(pixels.y[rows].astype(np.int64)).to(device))


@cache
def _load(folder: Path | None, train_rows: int) -> tuple[Pixels, Pixels]:
    """Training images, as many as needed at least, and test images, both sorted and verified."""
    root = folder or DEFAULT_FOLDER
    needed = VALID_ROWS + train_rows
    path = next((path for path, rows in _archives(root) if path.is_file() and rows >= needed), None)
    if path is not None and (root / "CIFAR10" / "test.npz").is_file():
        train, test, source = _read_archive(path), _read_archive(root / "CIFAR10" / "test.npz"), path.parent
    else:
        if not (root / BATCHES).is_dir():
            _fetch(root, needed, may_download=folder is None)
        train, test, source = *_read_batches(root / BATCHES), root / BATCHES
    _check(f"training images in {source}", train.digest(len(train.y)), DIGESTS.get(len(train.y)))
    _check(f"test images in {source}", test.digest(len(test.y)), TEST_DIGEST)
    return train, test


def _archives(root: Path) -> Iterator[tuple[Path, int]]:
    """The files that may hold training images, and how many images each holds."""
    for rows in sorted(DIGESTS):
        yield root / "CIFAR10" / f"train-{rows}.npz", rows


def _read_archive(path: Path) -> Pixels:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return Pixels(x=archive["x"], y=archive["y"])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(f"data file {path}: cannot be read ({error}); it needs the arrays x and y") from error


def _read_batches(folder: Path) -> tuple[Pixels, Pixels]:
    parts = [_read_batch(folder / f"data_batch_{number}") for number in range(1, 6)]
    train = sort_by_content(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    return train, sort_by_content(*_read_batch(folder / "test_batch"))


def _read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 32, 32, 3) and labels of a batch; its pickle may hold nothing but arrays and plain values."""
    try:
        batch = _ArrayUnpickler(io.BytesIO(path.read_bytes()), encoding="bytes").load()
        x = np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(x), np.asarray(batch[b"labels"], dtype=np.uint8)
    except (OSError, pickle.UnpicklingError, ValueError, KeyError, TypeError, EOFError, AttributeError) as error:
        raise DataError(f"data file {path}: cannot be read ({error}); delete it and fetch it again") from error


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that makes arrays and refuses every other class or function."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAY_PARTS:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no array needs")
        return ARRAY_PARTS[module, name]


def _check(what: str, digest: str, expected: str | None) -> None:
    if digest != expected:
        raise DataError(f"cifar10: sha256 {digest} of the {what} is not the expected {expected}: fetch them again")


def _fetch(root: Path, needed: int, *, may_download: bool) -> None:
    remedy = (
        f"put the folder {BATCHES} of the official archive there, or CIFAR10/test.npz and "
        f"CIFAR10/train-ROWS.npz, or name a folder that holds them by --data DIR or INCUMBENT_DATA"
    )
    if not may_download:
        raise DataError(f"cifar10: {needed} training images were not found in {root}; {remedy}")
    try:
        from torchvision.datasets import CIFAR10

        CIFAR10(str(root), download=True)
    except (OSError, RuntimeError, HTTPException) as error:
        with suppress(OSError):  # Only an empty folder is removed.
            root.rmdir()
        reason = " ".join(str(error).split())
        raise DataError(f"cifar10: not in {root} and not to be fetched ({reason}); {remedy}") from error
