"""Data sets that are missing, damaged or not to be fetched, and what the user is told."""

import gzip
import hashlib
import http.client
import struct
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.datasets

from objectives import OBJECTIVES
from objectives.objective import Machine
from objectives.training import data
from objectives.training.data import load_digits, load_fashion_mnist, load_splits, verified_sha256
from objectives.training.data_error import DataError

NAMES = list(data.FASHION_MNIST_SHA256)
SIZES = {"train": 30, "t10k": 12}
TINY = np.random.default_rng(0).integers(0, 256, (42, 28, 28), dtype=np.uint8)
LABELS = np.arange(42, dtype=np.uint8) % 10


def tiny_files():
    """The four files in their own format, with a few images each."""
    files, first = {}, 0
    for part, size in SIZES.items():
        images, labels = TINY[first : first + size], LABELS[first : first + size]
        files[f"{part}-images-idx3-ubyte"] = struct.pack(">iiii", 0x803, size, 28, 28) + images.tobytes()
        files[f"{part}-labels-idx1-ubyte"] = struct.pack(">ii", 0x801, size) + labels.tobytes()
        first += size
    return files


def write(files, root):
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in files.items():
        (raw / name).write_bytes(content)
    return raw


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A folder with four tiny files, whose checksums are the ones expected."""
    files = tiny_files()
    expected = {name: hashlib.sha256(files[name]).hexdigest() for name in NAMES}
    monkeypatch.setattr(data, "FASHION_MNIST_SHA256", expected)
    write(files, tmp_path)
    return tmp_path


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """An empty working directory on a machine without a network."""

    def no_network(*arguments, **options):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_digits_that_differ_are_refused(monkeypatch):
    """Another release's images stop everything, with the remedy."""
    monkeypatch.setattr(data, "DIGITS_SHA256", "0" * 64)
    with pytest.raises(
        DataError, match=r"digits: sha256 87ff0c9e\w+ .* not the expected 0{64}; install the scikit-lea"
    ):
        load_digits()


def test_digits_are_the_published_ones():
    """The images are scikit-learn's, in another order."""
    from sklearn.datasets import load_digits as published

    images, labels = published(return_X_y=True)
    loaded = load_digits()
    mine = torch.cat([loaded.develop.x, loaded.test.x]).reshape(1797, 64).numpy()
    mine_labels = torch.cat([loaded.develop.y, loaded.test.y]).numpy()
    order, published_order = (np.lexsort([y, *x.T]) for x, y in ((mine, mine_labels), (images, labels)))
    assert np.array_equal(mine[order], images[published_order] / 16)
    assert np.array_equal(mine_labels[order], labels[published_order])


@pytest.mark.parametrize("size", [1, 256, 299, 300, 10_000])
def test_batches_divide_the_images_in_their_order(size):
    """Batch after batch, with a short last one, the images and labels are those of the set."""
    images = load_digits().test
    pixels, labels = zip(*images.batches(size), strict=True)
    assert [len(part) for part in labels] == [min(size, 300 - first) for first in range(0, 300, size)]
    assert torch.equal(torch.cat(pixels), images.x)
    assert torch.equal(torch.cat(labels), images.y)


@pytest.mark.parametrize("folds", [None, 3])
def test_every_set_begins_at_an_aligned_address(folds):
    """Sets are copies of their own: a view at an odd offset would change a product's bits."""
    for split in load_splits("digits", "standard", folds, Machine()):
        for part in (split.train, split.valid, split.test):
            assert part.x.data_ptr() % 64 == 0
            assert part.x.is_contiguous()


def test_digits_are_in_no_writers_order():
    """Neighbours in the order are no likelier to show the same digit than chance."""
    labels = load_digits().develop.y
    assert float((labels[1:] == labels[:-1]).float().mean()) == pytest.approx(0.1, abs=0.03)


def test_whole_files_are_read(tiny):
    """Four whole files become images in [0, 1] in their order, with their labels and checksums."""
    loaded = load_fashion_mnist(tiny)
    assert torch.equal(loaded.develop.x[:, 0], torch.from_numpy((TINY[:30] / 255.0).astype(np.float32)))
    assert torch.equal(loaded.test.x[:, 0], torch.from_numpy((TINY[30:] / 255.0).astype(np.float32)))
    assert torch.cat([loaded.develop.y, loaded.test.y]).tolist() == LABELS.tolist()
    assert loaded.checksums == data.FASHION_MNIST_SHA256


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content + b"\0",
        lambda content: b"<!DOCTYPE html><title>Sign in to the network</title>",
        gzip.compress,
    ],
    ids=["flipped bit", "byte short", "half", "empty", "byte long", "web page", "packed"],
)
def test_a_damaged_file_is_named(tiny, name, damage):
    """Whatever is wrong with a file, the message names it and the remedy."""
    path = tiny / "FashionMNIST" / "raw" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=rf"{name}: sha256 \w+ is not the expected .*delete it and run again"):
        load_fashion_mnist(tiny)


def test_another_data_set_of_the_same_form_is_refused(tmp_path):
    """Well-formed files that are not Fashion-MNIST are not trained on."""
    write(tiny_files(), tmp_path)
    with pytest.raises(DataError, match="not what its name says"):
        load_fashion_mnist(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_never_fetched_into_a_named_folder(tiny, name, monkeypatch):
    """A folder that the user named is read and nothing else."""
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", None)
    (tiny / "FashionMNIST" / "raw" / name).unlink()
    with pytest.raises(DataError, match=f"not found in .*raw; put the four unpacked files .*{name}.*INCUMBENT_DATA"):
        load_fashion_mnist(tiny)


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_a_named_folder_without_data(tmp_path, folder):
    """A folder that is missing or empty is named with the remedy, and stays as it is."""
    with pytest.raises(DataError, match=r"fashion_mnist: not found in .*--data DIR or INCUMBENT_DATA"):
        load_fashion_mnist(tmp_path / folder)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "load",
    [
        lambda machine: load_splits("fashion_mnist", "standard", None, machine),
        OBJECTIVES["softmax"](data="fashion_mnist").prepare,
    ],
    ids=["load_splits", "prepare"],
)
def test_every_way_to_the_data_says_so(tmp_path, load):
    """Loading and preparing end in the same refusal, again when asked again."""
    for _ in range(2):
        with pytest.raises(DataError, match="not found"):
            load(Machine(data=tmp_path))


def test_without_a_network_the_message_says_what_to_do(offline):
    """A download that cannot start is refused with the remedy and leaves no folder behind."""
    with pytest.raises(
        DataError, match=r"fashion_mnist: not in data/FashionMNIST/raw and not to be fetched.*--data DIR"
    ):
        load_fashion_mnist()
    assert not list(offline.iterdir())


def test_without_a_network_what_was_there_stays(offline):
    """Only empty folders go; another file in the default folder is not touched."""
    kept = Path("data") / "notes.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    with pytest.raises(DataError, match="not to be fetched"):
        load_fashion_mnist()
    assert [path.as_posix() for path in Path("data").rglob("*")] == ["data/notes.txt"]


@pytest.mark.parametrize(
    "problem",
    [
        RuntimeError("Error downloading train-images-idx3-ubyte.gz"),
        ConnectionResetError("reset by peer"),
        TimeoutError("timed out"),
        PermissionError("read-only"),
        http.client.IncompleteRead(b""),
        http.client.BadStatusLine("<html>"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_a_download_that_breaks_off(monkeypatch, tmp_path, problem):
    """Whatever the network or the disk raises becomes one message with its cause."""

    class Broken:
        def __init__(self, root, train, download):
            (Path(root) / "FashionMNIST" / "raw").mkdir(parents=True)
            raise problem

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", Broken)
    with pytest.raises(DataError, match="not to be fetched") as caught:
        load_fashion_mnist()
    assert caught.value.__cause__ is problem
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("whole", [True, False])
def test_what_a_download_brings_is_verified(monkeypatch, tmp_path, whole):
    """Files fetched into the default folder are read if they are the right ones, else refused."""
    files, real = tiny_files(), torchvision.datasets.FashionMNIST
    expected = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    if not whole:
        files[NAMES[0]] = files[NAMES[0]][:-5]

    def fetching(root, train, download):
        if download:
            write(files, Path(root))
            return None
        return real(root, train=train, download=False)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "FASHION_MNIST_SHA256", expected)
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", fetching)
    if whole:
        assert len(load_fashion_mnist().develop) == 30
    else:
        with pytest.raises(DataError, match=f"{NAMES[0]}: sha256"):
            load_fashion_mnist()


def test_a_data_error_is_a_bad_input():
    """The command line turns a ValueError into one message and exit code 2."""
    assert issubclass(DataError, ValueError)


def test_verifying_gives_the_checksum(tmp_path):
    """The checksum that went into the comparison goes into the record."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert verified_sha256(path, digest) == digest


def test_the_published_files_are_whole(data_folder):
    """The real data set passes its checksums."""
    machine = Machine(data=data_folder)
    load_splits("fashion_mnist", "standard", None, machine)
    assert data.checksums("fashion_mnist", machine) == data.FASHION_MNIST_SHA256
