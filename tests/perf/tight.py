"""The rival: a tight loop that trains one network at a time, as one would write it in PyTorch.

Resident tensors, batches gathered by index, autograd, in-place SGD, PyTorch's own layers and global
generators; evaluation in batches of 300. It shares nothing with the harness but the data.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from objectives.space import Config
from objectives.training.data import Images, Split


def network_of(name: str, config: Config, side: int) -> nn.Module:
    """Softmax regression, LeNet or DropoutMLP on square images."""
    if name == "softmax":
        return nn.Sequential(nn.Flatten(), nn.Linear(side * side, 10))
    if name == "dropout_mlp":
        first, second = int(config["num_hiddens_1"]), int(config["num_hiddens_2"])
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(side * side, first), nn.ReLU(), nn.Dropout(float(config["dropout_1"])),
            nn.Linear(first, second), nn.ReLU(), nn.Dropout(float(config["dropout_2"])),
            nn.Linear(second, 10),
        )  # fmt: skip
    if side == 8:
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(64, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
        )  # fmt: skip
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
    )  # fmt: skip


def train(name: str, config: Config, split: Split, epochs: int) -> list[float]:
    """Validation errors of one trial, epoch by epoch."""
    network = network_of(name, config, split.train.x.shape[-1])
    parameters = list(network.parameters())
    rate = float(config["lr"] if "lr" in config else config["learning_rate"])
    batch = int(config.get("batch_size", 16))
    errors = []
    for _ in range(epochs):
        network.train()
        for index in torch.randperm(len(split.train)).split(batch):  # type: ignore[no-untyped-call]
            loss = functional.cross_entropy(network(split.train.x[index]), split.train.y[index])
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.sub_(gradient, alpha=rate)
        network.eval()
        errors.append(_error(network, split.valid))
        _error(network, split.test)
    return errors


@torch.no_grad()
def _error(network: nn.Module, images: Images) -> float:
    wrong = sum(int((network(x).argmax(1) != y).sum()) for x, y in images.batches(300))
    return wrong / len(images)
