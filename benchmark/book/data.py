"""The book's data modules, over the harness's verified data sets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmark.book.hyperparameters import HyperParameters
from objectives.objective import Machine
from objectives.training.data import Images, load_splits


class DataModule(HyperParameters):
    """The book's data: loaders of batches for training and for validation.

    Args:
        root: folder of the data sets; None: that of INCUMBENT_DATA, else `data`.
        num_workers: kept for the book's code; batches are cut from memory, in this process.
    """

    root: str | Path | None
    batch_size: int

    def __init__(self, root: str | Path | None = None, num_workers: int = 0) -> None:
        self.save_hyperparameters()

    def get_dataloader(self, train: bool) -> Any:
        raise NotImplementedError

    def train_dataloader(self) -> Any:
        return self.get_dataloader(train=True)

    def val_dataloader(self) -> Any:
        return self.get_dataloader(train=False)


class ImageDataset(Dataset[Any]):
    """Images with their labels, which come out of memory a batch at a time.

    Args:
        images: (n, 1, height, width) with n labels.
        size: height and width to which they are scaled.
    """

    def __init__(self, images: Images, size: tuple[int, int]) -> None:
        self.images, self.size = images, size

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x, y = self.__getitems__([index])
        return x[0], y[0]

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        rows = torch.as_tensor(indices)
        x = self.images.x[rows]
        if x.shape[-2:] != self.size:
            from torchvision.transforms.functional import resize

            x = resize(x, list(self.size), antialias=True)
        return x, self.images.y[rows]


class FashionMNIST(DataModule):
    """Fashion-MNIST in the book's division: 60 000 images for training, the 10 000 of the test set for validation.

    Choosing by the test set flatters what is chosen; the objectives of suites keep a validation set apart instead.

    Args:
        batch_size: images of a batch.
        resize: height and width of an image.

    Raises:
        DataError: the images are not there and cannot be fetched; nothing else is taken instead.
    """

    def __init__(self, batch_size: int = 64, resize: tuple[int, int] = (28, 28)) -> None:
        super().__init__()
        self.save_hyperparameters()
        folder = self.root or os.environ.get("INCUMBENT_DATA")
        machine = Machine(data=None if folder is None else Path(folder))
        (split,) = load_splits("fashion_mnist", "book", None, machine)
        self.train, self.val = ImageDataset(split.train, resize), ImageDataset(split.valid, resize)

    def get_dataloader(self, train: bool) -> DataLoader[Any]:
        data = self.train if train else self.val
        return DataLoader(data, self.batch_size, shuffle=train, collate_fn=_as_list)


def _as_list(batch: Any) -> list[Tensor]:
    """The batch as torch's own loaders give it: it is one already."""
    return list(batch)
