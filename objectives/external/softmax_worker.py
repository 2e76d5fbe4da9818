"""What the softmax programs of the frameworks have in common: data, seeds, and the protocol of README.md.

It runs in a framework's own environment, with NumPy and, for digits, scikit-learn; it imports nothing of this
project. A program calls `serve` with a function that trains.

Options: `data` ("digits" or "fashion_mnist"), `split` ("standard" or "book"), `epochs`, as for the objective
`softmax`, whose splits these are; batches of 16, learning rate log-uniform in [1e-4, 1].
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = 10
BATCH = 16
OPTIONS: dict[str, Any] = {"data": "digits", "split": "standard", "epochs": 8}

DIGITS_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
FASHION_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


@dataclass(frozen=True)
class Data:
    """Pixels (n, pixels) float32 in [0, 1] and labels (n,) int32 of three sets; with the book's split two are one."""

    x: np.ndarray
    y: np.ndarray
    valid_x: np.ndarray
    valid_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    checksums: dict[str, str]


@dataclass(frozen=True)
class Trial:
    """What a trial's training depends on."""

    data: Data
    learning_rate: float
    seed: int

    @property
    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """Initial weights (pixels, classes) and biases, uniform in +-1/sqrt(pixels), as PyTorch draws them."""
        pixels = self.data.x.shape[1]
        draw = np.random.default_rng([self.seed, 0]).uniform(-1, 1, size=(pixels + 1, CLASSES)) / np.sqrt(pixels)
        return draw[:-1].astype(np.float32), draw[-1].astype(np.float32)

    def order(self, epoch: int) -> np.ndarray:
        """The order of the training images in an epoch, counted from 0."""
        return np.random.default_rng([self.seed, 1, epoch]).permutation(len(self.data.x))


Counts = tuple[int, int]
"""Wrong answers on the validation and the test set after one more epoch."""


def serve(name: str, versions: Callable[[], dict[str, str]], train: Callable[[Trial], Iterator[Counts]]) -> None:
    """Answer messages until the end of standard input.

    Args:
        name: of the framework, a key of `versions`.
        versions: of the framework and what it uses, without importing them.
        train: a trial's training, an epoch for every item drawn; what it prints goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = _Worker(name, versions, train)
    for line in iter(sys.stdin.readline, ""):
        message = json.loads(line)
        try:
            answer = getattr(worker, message["op"])(message)
        except ValueError as error:
            raise SystemExit(str(error)) from error  # The last line of standard error is shown to the user.
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # There is nothing to tidy up, and frameworks take their time for that.


class _Worker:
    def __init__(
        self, name: str, versions: Callable[[], dict[str, str]], train: Callable[[Trial], Iterator[Counts]]
    ) -> None:
        self.name, self.versions, self.train_trial = name, versions, train
        self.trials: dict[int, Iterator[Counts]] = {}

    def begin(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["protocol"] != 1 or message["role"] != "objective":
            raise ValueError(
                f"protocol {message['protocol']}, role {message['role']!r}: need an objective of protocol 1"
            )
        self.options = _checked_options(message["options"])
        libraries = self.versions()
        return {
            "name": self.name,
            "version": libraries.pop(self.name),
            "libraries": libraries,
            "space": [{"name": "learning_rate", "kind": "float", "low": 1e-4, "high": 1.0, "log": True}],
            "max_epochs": self.options["epochs"],
            "metrics": [{"name": "error", "best": 0.0, "chance": 1 - 1 / CLASSES}],
        }

    def prepare(self, message: dict[str, Any]) -> dict[str, Any]:
        """Load the data, and train a step: what a framework imports and compiles is not a trial's time."""
        self.data = load(self.options["data"], self.options["split"], message["data"])
        next(self.train_trial(Trial(data=self.data, learning_rate=0.01, seed=0)))
        return {"checksums": self.data.checksums}

    def train(self, message: dict[str, Any]) -> dict[str, Any]:
        trial = message["trial"]
        if message["epoch"] == 1:
            learning_rate = float(message["config"]["learning_rate"])
            self.trials[trial] = self.train_trial(Trial(self.data, learning_rate, message["seed"]))
        began = time.perf_counter()
        valid, test = next(self.trials[trial])
        seconds = time.perf_counter() - began
        return {"valid": valid / len(self.data.valid_y), "test": test / len(self.data.test_y), "seconds": seconds}

    def forget(self, message: dict[str, Any]) -> dict[str, Any]:
        for trial in message["trials"]:
            self.trials.pop(trial, None)
        return {}


def _checked_options(given: dict[str, Any]) -> dict[str, Any]:
    options = {**OPTIONS, **given}
    allowed = {"data": ("digits", "fashion_mnist"), "split": ("standard", "book")}
    unknown = [name for name in given if name not in OPTIONS]
    if unknown:
        raise ValueError(f"options {', '.join(unknown)}: unknown, allowed are {', '.join(OPTIONS)}")
    for name, values in allowed.items():
        if options[name] not in values:
            raise ValueError(f"options.{name} = {options[name]!r}: not one of {', '.join(values)}")
    if type(options["epochs"]) is not int or not 1 <= options["epochs"] <= 10_000:
        raise ValueError(f"options.epochs = {options['epochs']!r}: need a whole number in 1..10000")
    return options


def load(name: str, split: str, folder: str | None) -> Data:
    """Load a data set in the splits of `objectives/training/data.py`: of the same digests, in the same order.

    Raises:
        ValueError: a file that is missing or another one.
    """
    x, y, tests, checksums = _digits() if name == "digits" else _fashion_mnist(Path(folder or "data"))
    valid = 300 if name == "digits" else 10_000
    cut = len(x) - tests
    test = x[cut:], y[cut:]
    if split == "book":
        return Data(x[:cut], y[:cut], *test, *test, checksums)
    first = cut - valid
    return Data(x[:first], y[:first], x[first:cut], y[first:cut], *test, checksums)


def _digits() -> tuple[np.ndarray, np.ndarray, int, dict[str, str]]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    digest = hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest()
    if digest != DIGITS_SHA256:
        raise ValueError(f"digits: sha256 {digest} of scikit-learn's images is not the expected {DIGITS_SHA256}")
    order = sorted(range(len(labels)), key=lambda i: hashlib.sha256(b"digits/%d" % i).digest())
    x = (pixels[order] / 16.0).astype(np.float32).reshape(len(labels), -1)
    return x, labels[order].astype(np.int32), 300, {"digits": digest}


def _fashion_mnist(folder: Path) -> tuple[np.ndarray, np.ndarray, int, dict[str, str]]:
    raw = folder / "FashionMNIST" / "raw"
    contents = {}
    for name, expected in FASHION_MNIST_SHA256.items():
        if not (raw / name).is_file():
            raise ValueError(f"fashion_mnist: {name} not found in {raw}; name the folder of the data by --data DIR")
        contents[name] = (raw / name).read_bytes()
        digest = hashlib.sha256(contents[name]).hexdigest()
        if digest != expected:
            raise ValueError(f"{raw / name}: sha256 {digest} is not the expected {expected}: fetch it again")
    parts = [np.frombuffer(content, np.uint8) for content in contents.values()]
    x = np.concatenate([parts[0][16:], parts[2][16:]]).reshape(70_000, -1) / 255.0
    y = np.concatenate([parts[1][8:], parts[3][8:]])
    return x.astype(np.float32), y.astype(np.int32), 10_000, dict(FASHION_MNIST_SHA256)
