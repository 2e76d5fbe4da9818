"""The book's base classes of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.book.hyperparameters import HyperParameters
from benchmark.book.progress_board import ProgressBoard


class Module(nn.Module, HyperParameters):
    """The book's model: a network `net`, its loss, its optimizer with the learning rate `lr`, and a board.

    Args:
        plot_train_per_epoch: points of the training loss that the board shows for an epoch.
        plot_valid_per_epoch: points of the validation.
    """

    net: nn.Module
    lr: float
    plot_train_per_epoch: int
    plot_valid_per_epoch: int
    trainer: Any

    def __init__(self, plot_train_per_epoch: int = 2, plot_valid_per_epoch: int = 1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.board = ProgressBoard()

    def loss(self, y_hat: Tensor, y: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, X: Tensor) -> Tensor:
        assert hasattr(self, "net"), "Neural network is not defined"
        prediction: Tensor = self.net(X)
        return prediction

    def plot(self, key: str, value: Tensor, train: bool) -> None:
        """Give the board a point of the training, by the epoch that it belongs to."""
        trainer = self.trainer
        self.board.xlabel = "epoch"
        if train:
            x = trainer.train_batch_idx / trainer.num_train_batches
            every = trainer.num_train_batches // self.plot_train_per_epoch
        else:
            x = trainer.epoch + 1
            every = trainer.num_val_batches // self.plot_valid_per_epoch
        self.board.draw(x, float(value.detach()), f"{'train' if train else 'val'}_{key}", every_n=every)

    def training_step(self, batch: Sequence[Tensor]) -> Tensor:
        loss = self.loss(self(*batch[:-1]), batch[-1])
        self.plot("loss", loss, train=True)
        return loss

    def validation_step(self, batch: Sequence[Tensor]) -> None:
        self.plot("loss", self.loss(self(*batch[:-1]), batch[-1]), train=False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def apply_init(self, inputs: Sequence[Tensor], init: Callable[[nn.Module], None] | None = None) -> None:
        """Give lazy layers their shapes by a pass of `inputs`, then initialise every layer by `init`."""
        self.forward(*inputs)
        if init is not None:
            self.net.apply(init)


class Classifier(Module):
    """The book's classifier: cross-entropy and accuracy."""

    def validation_step(self, batch: Sequence[Tensor]) -> None:
        y_hat = self(*batch[:-1])
        self.plot("loss", self.loss(y_hat, batch[-1]), train=False)
        self.plot("acc", self.accuracy(y_hat, batch[-1]), train=False)

    def accuracy(self, y_hat: Tensor, y: Tensor, averaged: bool = True) -> Tensor:
        """Return whether each prediction is right, or the share of right ones."""
        right = (y_hat.reshape(-1, y_hat.shape[-1]).argmax(dim=1) == y.reshape(-1)).float()
        return right.mean() if averaged else right

    def loss(self, y_hat: Tensor, y: Tensor, averaged: bool = True) -> Tensor:
        flat = y_hat.reshape(-1, y_hat.shape[-1])
        return functional.cross_entropy(flat, y.reshape(-1), reduction="mean" if averaged else "none")


Classification = Classifier
"""The name in earlier editions of the book."""
