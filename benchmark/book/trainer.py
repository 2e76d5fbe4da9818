"""The book's trainer, and the one of its HPO chapters, which knows the validation error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from benchmark.book.data import DataModule
from benchmark.book.hyperparameters import HyperParameters
from benchmark.book.module import Module
from benchmark.notebook import in_notebook
from benchmark.reproducibility.environment import deterministic_arithmetic


def numpy(value: Tensor | float) -> Any:
    """Convert a tensor, which may be on a GPU or have a gradient, to numpy."""
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)


class Trainer(HyperParameters):
    """The book's training loop.

    Args:
        max_epochs: how long to train.
        num_gpus: GPUs to use, as far as there are any; the book uses one at most.
        gradient_clip_val: greatest norm of a gradient; 0 clips nothing.
    """

    model: Any
    max_epochs: int
    gradient_clip_val: float

    def __init__(self, max_epochs: int, num_gpus: int = 0, gradient_clip_val: float = 0) -> None:
        self.save_hyperparameters()
        self.gpus = [torch.device(f"cuda:{i}") for i in range(min(num_gpus, torch.cuda.device_count()))]

    def prepare_data(self, data: DataModule) -> None:
        self.train_dataloader = data.train_dataloader()
        self.val_dataloader = data.val_dataloader()
        self.num_train_batches = len(self.train_dataloader)
        self.num_val_batches = 0 if self.val_dataloader is None else len(self.val_dataloader)

    def prepare_model(self, model: Module) -> None:
        model.trainer = self
        model.board.xlim = [0, self.max_epochs]
        if model.board.fig is None and not in_notebook():  # Of many trainings, `plt` would keep every figure open.
            model.board.fig = Figure(figsize=model.board.figsize)
        self.model = model.to(self.gpus[0]) if self.gpus else model

    def prepare_batch(self, batch: Sequence[Tensor]) -> Sequence[Tensor]:
        return [part.to(self.gpus[0]) for part in batch] if self.gpus else batch

    def fit(self, model: Module, data: DataModule) -> None:
        """Train a model for `max_epochs`, on a CPU with one thread, as every trial trains."""
        self.prepare_data(data)
        self.prepare_model(model)
        self.optim = model.configure_optimizers()
        self.epoch, self.train_batch_idx, self.val_batch_idx = 0, 0, 0
        with deterministic_arithmetic("cpu"):
            for epoch in range(self.max_epochs):
                self.epoch = epoch
                self.fit_epoch()

    def fit_epoch(self) -> None:
        self.model.train()
        for batch in self.train_dataloader:
            loss = self.model.training_step(self.prepare_batch(batch))
            self.optim.zero_grad()
            loss.backward()
            if self.gradient_clip_val > 0:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.gradient_clip_val)
            self.optim.step()
            self.train_batch_idx += 1
        if self.val_dataloader is None:
            return
        self.model.eval()
        for batch in self.val_dataloader:
            with torch.no_grad():
                self.model.validation_step(self.prepare_batch(batch))
            self.val_batch_idx += 1


class HPOTrainer(Trainer):
    """The trainer of the HPO chapters."""

    @torch.no_grad()
    def validation_error(self) -> Tensor:
        """Wrong answers over all images of the validation set; the mean over batches would depend on their size."""
        self.model.eval()
        right, total = 0, 0
        with deterministic_arithmetic("cpu"):
            for batch in self.val_dataloader:
                x, y = self.prepare_batch(batch)
                right += round(float(self.model.accuracy(self.model(x), y)) * len(y))
                total += len(y)
        return torch.tensor((total - right) / total, dtype=torch.float64)
