"""The splits of the data sets: every image once, as float32 in the unit interval."""

from collections import Counter

import numpy as np
import pytest
import torch

from objectives.objective import Machine
from objectives.training.data import load_splits

pytestmark = pytest.mark.usefixtures("one_thread")


def digits(folds=None, split="standard"):
    """The splits of digits."""
    return load_splits("digits", split, folds, Machine())


def census(*parts):
    """How often each labelled image occurs in some sets of images."""
    rows = [(x.numpy().tobytes(), int(y)) for images in parts for x, y in zip(images.x, images.y, strict=True)]
    return Counter(rows)


def test_the_digits_are_split_once():
    """1197, 300 and 300 images, no image in two sets, together the whole data set."""
    split, book = digits()[0], digits(split="book")[0]
    assert [len(part) for part in (split.train, split.valid, split.test)] == [1197, 300, 300]
    assert [len(part) for part in (book.train, book.valid, book.test)] == [1497, 300, 300]
    everything = census(split.train, split.valid, split.test)
    assert everything.total() == len(everything) == 1797
    assert census(split.train, split.valid) == census(book.train)
    assert census(book.test) == census(split.test)


@pytest.mark.parametrize("folds", [2, 3, 7])
def test_every_image_is_validated_in_one_fold(folds):
    """Folds divide the development images; each trains on all others, none on the test set."""
    splits, develop = digits(folds), census(digits(split="book")[0].train)
    assert len(splits) == folds
    assert census(*(split.valid for split in splits)) == develop
    for split in splits:
        assert census(split.train, split.valid) == develop
        assert len(split.valid) in (1497 // folds, 1497 // folds + 1)
        assert split.test is splits[0].test


def test_digits_are_images_in_the_unit_interval():
    """Pixels are float32 in [0, 1], labels int64 in 0..9, and every class is in every set."""
    split = digits()[0]
    for part in (split.train, split.valid, split.test):
        assert part.x.dtype == torch.float32
        assert part.x.shape[1:] == (1, 8, 8)
        assert (float(part.x.min()), float(part.x.max())) == (0.0, 1.0)
        assert part.y.dtype == torch.int64
        assert set(part.y.tolist()) == set(range(10))


def test_taking_images_copies_them():
    """Images taken are those at the index, in its order, and share no memory."""
    train_set = digits()[0].train
    taken = train_set.take(np.array([5, 3, 5]))
    assert torch.equal(taken.x, train_set.x[[5, 3, 5]])
    assert torch.equal(taken.y, train_set.y[[5, 3, 5]])
    taken.x.zero_()
    assert train_set.x[5].any()


def test_fashion_mnist_is_split_by_position(data_folder):
    """50000, 10000 and 10000 images; the validation images are the last of the training files."""
    machine = Machine(data=data_folder)
    split = load_splits("fashion_mnist", "standard", None, machine)[0]
    book = load_splits("fashion_mnist", "book", None, machine)[0]
    assert [len(part) for part in (split.train, split.valid, split.test)] == [50_000, 10_000, 10_000]
    assert [len(part) for part in (book.train, book.valid, book.test)] == [60_000, 10_000, 10_000]
    assert book.valid is book.test
    assert torch.equal(split.train.x, book.train.x[:50_000])
    assert torch.equal(split.valid.x, book.train.x[50_000:])
    assert torch.equal(split.valid.y, book.train.y[50_000:])
    assert torch.equal(split.test.x, book.test.x)
    assert (float(book.train.x.min()), float(book.train.x.max())) == (0.0, 1.0)


def test_fashion_mnist_sets_are_disjoint(data_folder):
    """No validation image occurs in the training or test set, but for the data set's own duplicates."""
    split = load_splits("fashion_mnist", "standard", None, Machine(data=data_folder))[0]
    train_set, valid, test = (census(part) for part in (split.train, split.valid, split.test))
    assert len(valid.keys() & train_set.keys()) + len(valid.keys() & test.keys()) < 5
