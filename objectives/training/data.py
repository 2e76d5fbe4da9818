"""Image data sets as tensors on the device, with fixed splits and verified checksums.

Two data sets: `digits`, 1 797 handwritten 8x8 images that ship inside scikit-learn (Alpaydin and
Kaynak, 1998), and `fashion_mnist`, 70 000 images of 28x28 (Xiao, Rasul and Vollgraf, 2017) through
torchvision.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from objectives.objective import Machine
from objectives.training.data_error import DataError

CLASSES = 10
DEFAULT_FOLDER = Path("data")

DIGITS_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
FASHION_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Labelled images on one device: `x` (n, 1, height, width) float32 in [0, 1], `y` (n,) int64."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: Tensor | np.ndarray) -> Images:
        """The images at `index`, copied; a view at an odd offset would change a product's bits."""
        chosen = torch.as_tensor(index, device=self.y.device)
        return Images(x=self.x[chosen], y=self.y[chosen])

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Pixels and labels, `size` images at a time, in order."""
        for first in range(0, len(self), size):
            yield self.x[first : first + size], self.y[first : first + size]

    def to(self, device: str) -> Images:
        return Images(x=self.x.to(device), y=self.y.to(device))


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One fixed division of a data set. Under the book's protocol `valid` *is* `test`."""

    train: Images
    valid: Images
    test: Images


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A data set in its published order, with the sizes of its standard split."""

    develop: Images
    test: Images
    valid_size: int
    checksums: Mapping[str, str]


def load_splits(
    name: str, split: str, folds: int | None, machine: Machine, train_rows: int | None = None
) -> list[Split]:
    """Load the splits that one trial trains on, on the machine's device.

    Args:
        name: a key of `LOADERS`.
        split: "standard" keeps a validation set apart from the training images and the test set;
            "book" trains on all of them and validates on the test set, as the book does.
        folds: divide the training and validation images into that many folds and train once on
            each complement; None trains once.
        machine: device and data folder.
        train_rows: without folds, keep the first so many training images; None keeps all.

    Returns:
        One split, or one for each fold.
    """
    return _splits(name, split, folds, train_rows, machine.device, machine.data)


def checksums(name: str, machine: Machine) -> dict[str, str]:
    """Verify the data set's files; return their names and SHA-256."""
    return dict(_load(name, machine.data).checksums)


@cache
def _splits(
    name: str, split: str, folds: int | None, train_rows: int | None, device: str, folder: Path | None
) -> list[Split]:
    data = _load(name, folder)
    develop, test = data.develop.to(device), data.test.to(device)
    count = len(develop)
    if split == "book":
        train = develop if train_rows is None else develop.take(np.arange(train_rows))
        return [Split(train=train, valid=test, test=test)]
    if folds is None:
        cut = count - data.valid_size
        return [_divide(develop, test, np.arange(cut)[:train_rows], np.arange(cut, count))]
    index = np.arange(count)
    return [_divide(develop, test, index[index % folds != k], index[index % folds == k]) for k in range(folds)]


def _divide(develop: Images, test: Images, train: np.ndarray, valid: np.ndarray) -> Split:
    return Split(train=develop.take(train), valid=develop.take(valid), test=test)


@cache
def _load(name: str, folder: Path | None) -> DataSet:
    return LOADERS[name](folder)


def load_digits(folder: Path | None = None) -> DataSet:
    """Load the digits in a fixed order: 1 197 for training, 300 for validation, 300 for testing.

    scikit-learn's order groups the writers, so the images are ordered by a hash of their number:
    no generator's stream is involved that a library could change.
    """
    pixels, labels = _digits_of_scikit_learn()
    digest = hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest()
    if digest != DIGITS_SHA256:
        raise DataError(
            f"digits: sha256 {digest} of scikit-learn's images is not the expected {DIGITS_SHA256}; "
            "install the scikit-learn version named in requirements.lock"
        )
    order = sorted(range(len(labels)), key=lambda i: hashlib.sha256(b"digits/%d" % i).digest())
    images = _images(pixels[order] / 16.0, labels[order])
    test_from = len(labels) - 300
    return DataSet(
        develop=images.take(np.arange(test_from)),
        test=images.take(np.arange(test_from, len(labels))),
        valid_size=300,
        checksums={"digits": digest},
    )


def _digits_of_scikit_learn() -> tuple[np.ndarray, np.ndarray]:
    """Read pixels, n x 8 x 8, and labels from scikit-learn's file: to import it takes 0.6 s in every process."""
    package = find_spec("sklearn")
    file = Path(package.origin or "").parent / "datasets" / "data" / "digits.csv.gz" if package is not None else None
    if file is not None and file.is_file():
        rows = np.loadtxt(file, delimiter=",", dtype=np.uint8)
        return rows[:, :-1].reshape(-1, 8, 8), rows[:, -1]
    from sklearn.datasets import load_digits as load  # A release that keeps it elsewhere.

    bunch: Any = load()
    return bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)


def load_fashion_mnist(folder: Path | None = None) -> DataSet:
    """Load Fashion-MNIST; of its 60 000 training images the last 10 000 are for validation."""
    from torchvision.datasets import FashionMNIST

    root = folder or DEFAULT_FOLDER
    raw = root / "FashionMNIST" / "raw"
    if not all((raw / name).is_file() for name in FASHION_MNIST_SHA256):
        _fetch_fashion_mnist(root, may_download=folder is None)
    digests = {name: verified_sha256(raw / name, expected) for name, expected in FASHION_MNIST_SHA256.items()}
    train, test = (FashionMNIST(str(root), train=part, download=False) for part in (True, False))
    return DataSet(
        develop=_images(train.data.numpy() / 255.0, train.targets.numpy()),
        test=_images(test.data.numpy() / 255.0, test.targets.numpy()),
        valid_size=10_000,
        checksums=digests,
    )


def verified_sha256(path: Path, expected: str) -> str:
    """Return the file's SHA-256; raise DataError when it is not the expected one."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != expected:
        raise DataError(
            f"data file {path}: sha256 {digest} is not the expected {expected}; "
            "it is damaged or not what its name says: delete it and run again"
        )
    return digest


def _fetch_fashion_mnist(root: Path, *, may_download: bool) -> None:
    from torchvision.datasets import FashionMNIST

    raw = root / "FashionMNIST" / "raw"
    remedy = (
        f"put the four unpacked files ({', '.join(FASHION_MNIST_SHA256)}) there, "
        "or name a folder that holds FashionMNIST/raw by --data DIR or INCUMBENT_DATA"
    )
    if not may_download:
        raise DataError(f"fashion_mnist: not found in {raw}; {remedy}")
    try:
        FashionMNIST(str(root), train=True, download=True)
    except (OSError, RuntimeError, HTTPException) as error:
        for folder in (raw, raw.parent, root):
            with suppress(OSError):  # Only an empty folder is removed.
                folder.rmdir()
        reason = " ".join(str(error).split())
        raise DataError(f"fashion_mnist: not in {raw} and not to be fetched ({reason}); {remedy}") from error


def _images(pixels: np.ndarray, labels: np.ndarray) -> Images:
    x = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32)).unsqueeze(1)
    return Images(x=x, y=torch.from_numpy(labels.astype(np.int64)))


LOADERS: Mapping[str, Callable[[Path | None], DataSet]] = {
    "digits": load_digits,
    "fashion_mnist": load_fashion_mnist,
}
