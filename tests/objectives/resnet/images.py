"""A CIFAR-10 of few generated images, in either of the layouts that are read."""

import hashlib
import pickle

import numpy as np
import pytest

from objectives.resnet import cifar10, objective

TRAIN, TEST, VALID = 150, 50, 40


def generate(count, seed):
    """Images whose label shows in their brightness, in no order: pixels (n, 32, 32, 3) and labels, uint8."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, count).astype(np.uint8)
    x = rng.integers(0, 60, (count, 32, 32, 3)) + 18 * y[:, None, None, None]
    return x.astype(np.uint8), y


def digest(x, y):
    return hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest()


def write_archives(folder, train, test):
    (folder / "CIFAR10").mkdir(parents=True)
    np.savez(folder / "CIFAR10" / f"train-{len(train[1])}.npz", x=train[0], y=train[1])
    np.savez(folder / "CIFAR10" / "test.npz", x=test[0], y=test[1])


def write_batches(folder, train, test):
    """The layout of the official archive: five batches of rows of 3072 bytes, channel by channel."""
    target = folder / cifar10.BATCHES
    target.mkdir(parents=True)
    parts = [(f"data_batch_{number}", slice(number - 1, None, 5), train) for number in range(1, 6)]
    for name, rows, (x, y) in [*parts, ("test_batch", slice(None), test)]:
        data = x[rows].transpose(0, 3, 1, 2).reshape(len(x[rows]), -1)
        content = {b"data": data, b"labels": [int(label) for label in y[rows]], b"batch_label": b"one of five"}
        (target / name).write_bytes(pickle.dumps(content, protocol=4))


@pytest.fixture
def few_images(monkeypatch, tmp_path):
    """A data folder with few images, and the expectations set to them."""
    train, test = (cifar10.sort_by_content(*generate(count, seed)) for count, seed in ((TRAIN, 1), (TEST, 2)))
    for module in (cifar10, objective):
        monkeypatch.setattr(module, "VALID_ROWS", VALID)
        monkeypatch.setattr(module, "TEST_ROWS", TEST)
    monkeypatch.setattr(cifar10, "DIGESTS", {TRAIN: digest(train.x, train.y)})
    monkeypatch.setattr(cifar10, "TEST_DIGEST", digest(test.x, test.y))
    write_archives(tmp_path / "archives", (train.x, train.y), (test.x, test.y))
    yield tmp_path / "archives"
    for cache in (cifar10._load, cifar10._split, objective._warm_up):
        cache.cache_clear()
