"""The networks of the book's HPO chapters, whose layers find their sizes at the first batch."""

from __future__ import annotations

from torch import nn

from benchmark.book.module import Classifier


class SoftmaxRegression(Classifier):
    """Softmax regression: one linear layer."""

    def __init__(self, num_outputs: int, lr: float) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(num_outputs))


SoftmaxClassification = SoftmaxRegression
"""The name in earlier editions of the book."""


class LeNet(Classifier):
    """LeNet-5 with sigmoids (LeCun et al., 1998), for images of 28 x 28 pixels or similar."""

    def __init__(self, lr: float = 0.1, num_classes: int = 10) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            *(nn.LazyConv2d(6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2)),
            *(nn.LazyConv2d(16, kernel_size=5), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2)),
            *(nn.Flatten(), nn.LazyLinear(120), nn.Sigmoid(), nn.LazyLinear(84), nn.Sigmoid()),
            nn.LazyLinear(num_classes),
        )


class DropoutMLP(Classifier):
    """Two hidden layers with dropout, the network of the chapters' exercises."""

    def __init__(
        self, num_outputs: int, num_hiddens_1: int, num_hiddens_2: int, dropout_1: float, dropout_2: float, lr: float
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            *(nn.Flatten(), nn.LazyLinear(num_hiddens_1), nn.ReLU(), nn.Dropout(dropout_1)),
            *(nn.LazyLinear(num_hiddens_2), nn.ReLU(), nn.Dropout(dropout_2), nn.LazyLinear(num_outputs)),
        )


def init_cnn(module: nn.Module) -> None:
    """Initialise a linear or convolutional layer by Xavier's rule (Glorot and Bengio, 2010)."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)
