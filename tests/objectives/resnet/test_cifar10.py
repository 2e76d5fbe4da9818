"""CIFAR-10 from two sources: the same images in the same order, and nothing that is damaged or more than data."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from objectives.objective import Machine
from objectives.resnet import cifar10
from objectives.resnet.cifar10 import checksums, load_split, sort_by_content
from objectives.resnet.objective import ResNet
from objectives.resnet.training import MEAN
from objectives.training.data import Split
from objectives.training.data_error import DataError
from tests.objectives.resnet.images import TEST, TRAIN, VALID, few_images, generate, write_batches

__all__ = ["few_images"]
ROWS = 100


def test_both_sources_give_the_same(few_images, tmp_path):
    """Archives in the order of content, and official batches in any order, are the same data with the same digests."""
    write_batches(tmp_path / "official", generate(TRAIN, 1), generate(TEST, 2))
    machines = [Machine(data=few_images), Machine(data=tmp_path / "official")]

    splits = [load_split(machine, ROWS) for machine in machines]

    assert checksums(machines[0], ROWS) == checksums(machines[1], ROWS)
    for part in ("train", "valid", "test"):
        ours, theirs = (getattr(split, part) for split in splits)
        assert ours.x.equal(theirs.x)
        assert ours.y.equal(theirs.y)
    assert [len(part) for part in (splits[0].train, splits[0].valid, splits[0].test)] == [ROWS, VALID, TEST]


def test_fewer_rows_are_the_first_ones(few_images):
    """Training on part of the data leaves validation and test as they are."""
    machine = Machine(data=few_images)
    small, large = (load_split(machine, rows) for rows in (10, ROWS))

    assert small.train.x.equal(large.train.x[:10])
    assert small.valid.x.equal(large.valid.x)


def test_order_follows_from_content():
    """However images come, they are sorted alike."""
    x, y = generate(40, 3)
    shuffled = np.random.default_rng(0).permutation(40)

    one, other = sort_by_content(x, y), sort_by_content(x[shuffled], y[shuffled])

    assert np.array_equal(one.x, other.x)
    assert np.array_equal(one.y, other.y)


def test_a_changed_pixel_is_refused(few_images):
    """Digests are of the content, and say which images are not those expected."""
    path = few_images / "CIFAR10" / f"train-{TRAIN}.npz"
    arrays = dict(np.load(path))
    arrays["x"][3, 0, 0, 0] ^= 1
    np.savez(path, **arrays)

    with pytest.raises(DataError, match=r"of the training images in .*CIFAR10 is not the expected .*: fetch them"):
        load_split(Machine(data=few_images), ROWS)


def test_images_that_are_missing(few_images, tmp_path):
    """The message says how many are needed, where they were looked for, and what to put there."""
    for folder, rows in ((tmp_path / "nowhere", 10), (few_images, TRAIN)):
        with pytest.raises(DataError, match=f"{VALID + rows} training images were not found in .*cifar-10-batches-py"):
            load_split(Machine(data=folder), rows)


class Payload:
    """What a pickle may hold that is no data: a call."""

    def __reduce__(self):
        return os.mkdir, ("mark",)


def test_a_pickle_with_a_payload_is_refused(few_images, tmp_path, monkeypatch):
    """A batch that names a function is refused, and the function is not called."""
    monkeypatch.chdir(tmp_path)
    write_batches(tmp_path / "official", generate(TRAIN, 1), generate(TEST, 2))
    (tmp_path / "official" / cifar10.BATCHES / "data_batch_3").write_bytes(pickle.dumps({b"data": Payload()}))

    with pytest.raises(DataError, match=r"data_batch_3: cannot be read \(it names posix.mkdir, which no array needs\)"):
        load_split(Machine(data=tmp_path / "official"), ROWS)

    assert not (tmp_path / "mark").exists()


@pytest.fixture
def real_images():
    """A machine whose data folder has the real images."""
    folder = Path(os.environ.get("INCUMBENT_DATA", "data"))
    if not any(path.is_file() for path, _ in cifar10._archives(folder)):
        pytest.skip("needs CIFAR10/train-20000.npz and test.npz below the folder INCUMBENT_DATA")
    return Machine(data=folder)


@pytest.mark.slow
def test_the_real_images(real_images):
    """Those at hand have the channel means that the literature prints, within half a per cent."""
    means = load_split(real_images, 15_000).train.x.double().mean(dim=(0, 2, 3)) / 255
    assert np.allclose(means, MEAN, atol=0.005)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_one_epoch_learns(real_images):
    """The default configuration classifies more than a quarter rightly after one epoch on 2 000 images."""
    objective = ResNet(train_rows=2_000, epochs=1)
    split = load_split(real_images, 2_000)
    few = split.valid.take(np.arange(1_000))
    part = Split(train=split.train, valid=few, test=few)
    (epoch,) = objective._train(objective.default, np.random.SeedSequence(1), real_images, part)
    assert epoch.valid_error < 0.75
